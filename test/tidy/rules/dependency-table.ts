// Every dependency earns its place in public: a row of the README's table says what it does and why it was taken.
interface Manifest {
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

export function dependencyTable(manifest: Manifest, readme: string): string[] {
  const rows = readme.split('\n').filter((line) => line.trimStart().startsWith('|'))
  const names = [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies].flatMap((group) =>
    Object.keys(group ?? {}),
  )
  return names
    .filter((name) => !rows.some((row) => namesIn(row).includes(name)))
    .map((name) => `package.json depends on ${name}, which has no row in the README's dependency table; add one with its job and reason`)
}

/** Names are written as code, several in a row where they do one job: | `libp2p`, `@libp2p/tcp` | … | */
function namesIn(row: string): string[] {
  return [...row.matchAll(/`([^`]+)`/g)].map(([, name]) => (name ?? '').replace(/(?<=.)@[\d.]+$/, ''))
}
