// Go: modules, one or a workspace of several.
import type { Detector, Folder, Tool } from '../project.ts'
import { stepsOf, within } from '../project.ts'
import { pinOf, saidBy, toolFrom } from '../toolchain.ts'

/** Without a place for them, commands of several packages are thrown away. */
const OUTPUT = 'bin'

export const go: Detector = (folder) => {
  const file = folder.names.has('go.work') ? 'go.work' : folder.names.has('go.mod') ? 'go.mod' : undefined
  if (file === undefined) return undefined
  const text = folder.read(file) ?? ''
  const parts = file === 'go.work' ? modulesOf(text).map((module) => `./${module}/...`.replace('././', './')) : ['./...']
  const commands = hasCommands(folder) && !folder.has(OUTPUT)
  const vendored = folder.has('vendor/modules.txt')
  return {
    ecosystem: 'go',
    dir: folder.path,
    reason: file,
    tools: [toolOf(folder, file, text)],
    steps: stepsOf(folder, {
      install: vendored ? [] : [{ argv: ['go', 'mod', 'download'], reason: folder.names.has('go.sum') ? 'go.sum' : file }],
      build: [{ argv: ['go', 'build', ...(commands ? ['-o', `${OUTPUT}/`] : []), ...parts], reason: file }],
      test: [{ argv: ['go', 'test', ...parts], reason: file }],
    }),
    artifacts: commands ? [within(folder, `${OUTPUT}/*`)] : [],
    lockFiles: [within(folder, folder.names.has('go.sum') ? 'go.sum' : file)],
    caches: [],
    coversChildren: true,
  }
}

/** A module of nothing but libraries refuses to be built into a folder. */
function hasCommands(folder: Folder): boolean {
  if (folder.names.has('cmd/')) return true
  const sources = [...folder.names].filter((name) => name.endsWith('.go') && !name.endsWith('_test.go'))
  return sources.some((name) => /^package main\b/m.test(folder.read(name) ?? ''))
}

function toolOf(folder: Folder, file: string, text: string): Tool {
  // Both lines are the least that it needs: a newer go takes them.
  const least = /^toolchain\s+go(\d[\w.]*)/m.exec(text)?.[1] ?? /^go\s+(\d+(?:\.\d+)*)/m.exec(text)?.[1]
  return toolFrom(
    'go',
    file,
    pinOf(folder, ['.go-version'], ['golang', 'go']),
    saidBy(file, least === undefined ? undefined : `>=${least}`),
  )
}

/** The folders of a workspace, from `use ./a` and `use ( … )`. */
function modulesOf(work: string): string[] {
  const block = /^use\s*\(([^)]*)\)/m.exec(work)?.[1] ?? ''
  const single = [...work.matchAll(/^use\s+(?!\()(\S+)/gm)].map((match) => match[1] ?? '')
  return [...block.split('\n').map((line) => line.replace(/\/\/.*/, '').trim()), ...single]
    .filter((one) => one !== '')
    .map((one) => one.replace(/^\.\//, ''))
}
