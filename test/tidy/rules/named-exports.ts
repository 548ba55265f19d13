// Named exports only: a thing has one name, which search finds everywhere.
import type { SourceFile } from '../source-tree.ts'

/** Files whose reader asks for a default export. */
const EXCEPTIONS: Record<string, string> = {
  'vitest.config.ts': 'Vitest reads the default export',
  'web/vite.config.ts': 'Vite reads the default export',
  'test/support/plain-reporter.ts': 'Vitest loads a reporter by its default export',
}

export function namedExports(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path, exportsDefault }) => exportsDefault && !(path in EXCEPTIONS))
    .map(({ path }) => `${path} has a default export; export it by name`)
}
