// Time, randomness and the terminal have one door each. A direct call would escape the virtual clock and the seed, or
// print in the middle of somebody's JSON.
import { type ESTree, Visitor } from 'vite'
import { isProduct, type SourceFile } from '../source-tree.ts'

const CLOCK_AND_RANDOM: Record<string, string> = {
  'Date.now': 'take a Clock',
  'new Date()': 'take a Clock',
  'performance.now': 'take a Clock',
  'AbortSignal.timeout': 'take a Clock',
  setTimeout: 'take a Clock',
  setInterval: 'take a Clock',
  setImmediate: 'take a Clock',
  'node:timers': 'take a Clock',
  'node:timers/promises': 'take a Clock',
  'Math.random': 'take a Random',
}

/** Files outside the kernel that may use one of them, each with its reason. */
const EXCEPTIONS: Record<string, string> = {}

const MAY_PRINT = /^node\/(main\.ts|nimbus\.js|cli\/)/

export function bannedCalls(files: readonly SourceFile[]): string[] {
  return files.filter(isProduct).flatMap((file) => {
    const { path } = file
    // The dashboard has the browser's clock: nothing of it runs in the simulated mesh.
    const timeIsFree = /^(node\/kernel|web)\//.test(path) || path in EXCEPTIONS
    return usesOf(file).flatMap(({ name, line }) => {
      if (name === 'console') return MAY_PRINT.test(path) ? [] : [`${path}:${line} uses console; take a Log`]
      return timeIsFree ? [] : [`${path}:${line} uses ${name}; ${CLOCK_AND_RANDOM[name]}`]
    })
  })
}

interface Use {
  name: string
  line: number
}

function usesOf({ program, imports, lineAt }: SourceFile): Use[] {
  const uses: Use[] = imports
    .filter(({ specifier }) => specifier in CLOCK_AND_RANDOM)
    .map(({ specifier, line }) => ({ name: specifier, line }))
  const note = (name: string, node: { start: number }): void => {
    if (name in CLOCK_AND_RANDOM || name === 'console') uses.push({ name, line: lineAt(node.start) })
  }
  new Visitor({
    CallExpression: ({ callee }) => note(nameOf(callee), callee),
    NewExpression: (node) => {
      if (nameOf(node.callee) === 'Date' && node.arguments.length === 0) note('new Date()', node)
    },
    MemberExpression: (node) => {
      note(nameOf(node.object), node)
      // Without a call it is handed on, which is the same door: `{ now: Date.now }`.
      if (nameOf(node).includes('.')) note(nameOf(node), node)
    },
  }).visit(program)
  const seen = new Set<string>()
  return uses.filter(({ name, line }) => !seen.has(`${name}:${line}`) && seen.add(`${name}:${line}`))
}

function nameOf(node: ESTree.Expression | ESTree.Super): string {
  if (node.type === 'Identifier') return node.name
  if (node.type !== 'MemberExpression' || node.computed) return ''
  const owner = nameOf(node.object)
  return owner === 'globalThis' ? node.property.name : `${owner}.${node.property.name}`
}
