// Rust: cargo, for one crate or a workspace.
import { objectAt, readToml, textAt, versionIn } from '../manifests.ts'
import type { Detector, Folder, Tool } from '../project.ts'
import { stepsOf, within } from '../project.ts'
import { pinOf, saidBy, toolFrom } from '../toolchain.ts'

export const rust: Detector = (folder) => {
  if (!folder.names.has('Cargo.toml')) return undefined
  const manifest = readToml(folder, 'Cargo.toml')
  const locked = folder.names.has('Cargo.lock')
  const flags = locked ? ['--locked'] : []
  const workspace = manifest?.['workspace'] !== undefined
  const all = workspace ? ['--workspace'] : []
  const reason = locked ? 'Cargo.lock' : 'Cargo.toml, without a lockfile'
  return {
    ecosystem: 'cargo',
    dir: folder.path,
    reason: workspace ? 'Cargo.toml with a workspace' : 'Cargo.toml',
    tools: [toolchainOf(folder, textAt(manifest, 'package', 'rust-version') ?? textAt(manifest, 'workspace', 'package', 'rust-version'))],
    steps: stepsOf(folder, {
      install: [{ argv: ['cargo', 'fetch', ...flags], reason }],
      build: [{ argv: ['cargo', 'build', '--release', '--offline', ...all], reason: 'Cargo.toml' }],
      test: [{ argv: ['cargo', 'test', '--offline', ...all], reason: 'Cargo.toml' }],
    }),
    artifacts: binariesOf(folder, manifest).map((name) => within(folder, `target/release/${name}`)),
    lockFiles: [within(folder, locked ? 'Cargo.lock' : 'Cargo.toml')],
    caches: [within(folder, 'target')],
    coversChildren: true,
  }
}

function toolchainOf(folder: Folder, minimum: string | undefined): Tool {
  const file = ['rust-toolchain.toml', 'rust-toolchain'].find((name) => folder.names.has(name))
  const channel = file === undefined ? undefined : (textAt(readToml(folder, file), 'toolchain', 'channel') ?? versionIn(folder, file))
  return toolFrom(
    'cargo',
    'Cargo.toml',
    saidBy(file ?? '', channelOf(channel)),
    pinOf(folder, [], ['rust']),
    saidBy('Cargo.toml rust-version', minimum === undefined ? undefined : `>=${minimum}`),
  )
}

/** `1.75.0-x86_64-unknown-linux-gnu` is a version and a machine; a date (`nightly-2026-01-31`) is the version of nothing that tells one. */
function channelOf(channel: string | undefined): string | undefined {
  return /^(\d+(?:\.\d+)*|[a-z]+)/.exec(channel ?? '')?.[1]
}

/** What `cargo build --release` leaves: named binaries, else the crate's own. A library alone leaves nothing to hand on. */
function binariesOf(folder: Folder, manifest: ReturnType<typeof readToml>): string[] {
  const declared = (Array.isArray(manifest?.['bin']) ? (manifest['bin'] as { name?: unknown }[]) : []).flatMap(({ name }) =>
    typeof name === 'string' ? [name] : [],
  )
  if (declared.length > 0) return declared
  const name = textAt(manifest, 'package', 'name')
  const kind = objectAt(manifest, 'lib')['crate-type']
  if (Array.isArray(kind) && kind.includes('cdylib') && name !== undefined) return [`lib${name.replaceAll('-', '_')}.*`]
  return name !== undefined && folder.has('src/main.rs') ? [name] : []
}
