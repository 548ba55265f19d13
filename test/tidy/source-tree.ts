// Reads the repository's text and parses its sources, once, for every rule of the house. Rules get plain data and touch
// no disk, so that each can be tested with a planted violation.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, sep } from 'node:path'
import { type ESTree, parseSync, Visitor } from 'vite'

export interface Import {
  specifier: string
  /** The imported file, relative to the repository; absent for packages and built-ins. */
  target?: string
  line: number
}

export interface SourceFile {
  path: string
  text: string
  lineCount: number
  program: ESTree.Program
  comments: readonly { start: number; end: number }[]
  imports: Import[]
  exportsDefault: boolean
  lineAt: (offset: number) => number
}

export interface TextFile {
  path: string
  text: string
}

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'coverage', '.git', '.nimbus', 'target'])
const TEXT = /\.(ts|tsx|js|mjs|json|jsonc|md|css|html|yml|yaml|toml|sh|py|rs|txt)$|(^|\/)(\.ci\/run|LICENSE|\.gitignore)$/
const SOURCE = /\.(ts|tsx|js|mjs)$/

export const repositoryRoot = join(import.meta.dirname, '../..')

export function readTexts(folder = repositoryRoot, prefix = ''): TextFile[] {
  const texts: TextFile[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = prefix + entry.name
    if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) texts.push(...readTexts(join(folder, entry.name), `${path}/`))
    else if (entry.isFile() && TEXT.test(path)) texts.push({ path, text: readFileSync(join(folder, entry.name), 'utf8') })
  }
  return texts.sort((a, b) => (a.path < b.path ? -1 : 1))
}

export function parseSources(texts: readonly TextFile[]): SourceFile[] {
  return texts.filter(({ path }) => SOURCE.test(path) && !path.startsWith('sdk/')).map(({ path, text }) => parseSource(path, text))
}

export function parseSource(path: string, text: string): SourceFile {
  const { program, module, comments, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`)
  const lineAt = lineFinder(text)
  const requests: { value: string; start: number }[] = []
  for (const { moduleRequest } of module.staticImports) requests.push(moduleRequest)
  for (const { moduleRequest } of module.staticExports.flatMap((one) => one.entries)) if (moduleRequest) requests.push(moduleRequest)
  new Visitor({
    ImportExpression: ({ source }) => void requests.push(...literal(source)),
    TSImportType: ({ source }) => void requests.push(...literal(source)),
    // A worker or a child's main file is named by URL: new URL('./guardian.ts', import.meta.url).
    NewExpression: ({ callee, arguments: [first] }) => {
      if (callee.type === 'Identifier' && callee.name === 'URL' && first) requests.push(...literal(first).filter(isSibling))
    },
  }).visit(program)
  return {
    path,
    text,
    lineCount: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    program,
    comments,
    imports: requests.map(({ value, start }) => ({ ...resolve(path, value), line: lineAt(start) })),
    exportsDefault: module.staticExports.some((one) =>
      one.entries.some(({ exportName: { kind, name } }) => kind === 'Default' || name === 'default'),
    ),
    lineAt,
  }
}

/** What users run; tests and settings are not. */
export function isProduct({ path }: TextFile): boolean {
  return /^(protocols|node|web\/src)\//.test(path)
}

function literal(node: ESTree.Expression | ESTree.SpreadElement): { value: string; start: number }[] {
  return node.type === 'Literal' && typeof node.value === 'string' ? [{ value: node.value, start: node.start }] : []
}

function isSibling({ value }: { value: string }): boolean {
  return value.startsWith('.') && SOURCE.test(value)
}

function resolve(from: string, specifier: string): { specifier: string; target?: string } {
  if (!specifier.startsWith('.')) return { specifier }
  return { specifier, target: posix.normalize(posix.join(dirname(from).split(sep).join('/'), specifier)) }
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  return (offset) => {
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}
