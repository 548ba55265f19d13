// The rules about imports, each on a planted violation and on its innocent neighbour.
import { expect, test } from 'vitest'
import { deadFiles } from './rules/dead-files.ts'
import { importCycles } from './rules/import-cycles.ts'
import { importDirection } from './rules/import-direction.ts'
import { packageBorders } from './rules/package-borders.ts'
import { parseSource } from './source-tree.ts'

test.each([
  ['a higher room', 'node/store/a.ts', "import { b } from '../tasks/b.ts'", 'node/tasks (rank 4) is a higher room of node/store (rank 2)'],
  ['a sibling', 'node/mesh/a.ts', "import { b } from '../store/b.ts'", 'node/store (rank 2) is a sibling of node/mesh (rank 2)'],
  ['a type of a sibling', 'node/api/a.ts', "import type { B } from '../cli/b.ts'", 'node/cli (rank 7) is a sibling'],
  ['an inline type import', 'node/store/a.ts', "export type A = import('../tasks/b.ts').B", 'node/tasks (rank 4) is a higher room'],
  ['a re-export', 'node/store/a.ts', "export { b } from '../tasks/b.ts'", 'node/tasks (rank 4) is a higher room'],
  ['a lazy import', 'node/cli/a.ts', "await import('../node.ts')", 'node (rank 9) is a higher room of node/cli (rank 7)'],
  ['anything of ours from protocols', 'protocols/a.ts', "import { b } from '../node/kernel/b.ts'", 'node/kernel (rank 1) is a higher room'],
  [
    'a test from the product',
    'node/store/a.ts',
    "import { b } from '../../test/support/b.ts'",
    'the product imports only protocols/ and node/',
  ],
  ['a room without a rank', 'node/attic/a.ts', "import { b } from '../kernel/b.ts'", 'node/attic has no rank'],
  [
    'the node from the dashboard',
    'web/src/models/a.ts',
    "import { b } from '../../../node/kernel/b.ts'",
    'the dashboard imports protocols/ only',
  ],
  ['a view from a part', 'web/src/parts/a.tsx', "import { b } from '../views/b.tsx'", 'parts may not know views'],
])('import direction refuses %s', (_name, path, text, reason) => {
  const findings = importDirection([parseSource(path, text)])
  expect(findings).toHaveLength(1)
  expect(findings[0]).toContain(`${path}:1 imports `)
  expect(findings[0]).toContain(reason)
})

test.each([
  ['node/tasks/a.ts', "import { b } from '../store/b.ts'"],
  ['node/tasks/a.ts', "import { b } from './b.ts'"],
  ['node/main.ts', "import { b } from './node.ts'"],
  ['web/src/views/a.tsx', "import { b } from '../models/b.ts'; import type { c } from '../../../protocols/http/views.ts'"],
  ['web/src/main.tsx', "import './styles/app.css'; import { b } from './views/b.tsx'"],
  ['test/node/store/a.test.ts', "import { b } from '../../../node/cli/b.ts'"],
])('import direction lets %s say %s', (path, text) => {
  expect(importDirection([parseSource(path, text)])).toEqual([])
})

test('import cycles are found through types, and told as a path', () => {
  const files = [
    parseSource('node/tasks/a.ts', "import { b } from './b.ts'"),
    parseSource('node/tasks/b.ts', "import type { C } from './c.ts'"),
    parseSource('node/tasks/c.ts', "export * from './a.ts'"),
    parseSource('node/tasks/d.ts', "import { a } from './a.ts'"),
  ]
  expect(importCycles(files)).toEqual([
    'import cycle: node/tasks/a.ts -> node/tasks/b.ts -> node/tasks/c.ts -> node/tasks/a.ts; move what both need to a file of its own',
  ])
})

test.each([
  ['node/tasks/a.ts', 'execa', 'node/runner/'],
  ['node/repos/a.ts', 'node:child_process', 'node/runner/'],
  ['node/trust/a.ts', '@libp2p/peer-id', 'node/mesh/'],
  ['node/builds/a.ts', 'isomorphic-git/http/node', 'node/repos/'],
  ['node/tasks/a.ts', 'level', 'node/store/'],
])('package borders keep %s from importing %s', (path, specifier, home) => {
  expect(packageBorders([parseSource(path, `import { x } from '${specifier}'`)])).toEqual([
    `${path}:1 imports ${specifier}, which belongs to ${home}; use a port of that room`,
  ])
  expect(packageBorders([parseSource(`${home}a.ts`, `import { x } from '${specifier}'`)])).toEqual([])
})

test('dead files are those that nothing reaches, and those that only tests reach', () => {
  const files = [
    parseSource('node/main.ts', "await import('./cli/used.ts'); new URL('./runner/child.ts', import.meta.url)"),
    parseSource('node/cli/used.ts', ''),
    parseSource('node/runner/child.ts', ''),
    parseSource('node/cli/unwired.ts', ''),
    parseSource('node/cli/forgotten.ts', ''),
    parseSource('test/node/cli/unwired.test.ts', "import '../../../node/cli/unwired.ts'; import '../../support/used.ts'"),
    parseSource('test/support/used.ts', ''),
  ]
  expect(deadFiles(files)).toEqual([
    'node/cli/unwired.ts is reached only by tests; wire it in, or remove it with its tests',
    'node/cli/forgotten.ts is reached by nothing; import it, list it as an entry in dead-files.ts, or remove it',
  ])
})
