// A function fits on a screen. The lines of functions inside it are theirs, not its own: a factory is as long as its own
// statements, not as the methods that it returns.
import { Visitor } from 'vite'
import { isProduct, type SourceFile } from '../source-tree.ts'

const FUNCTION_MAX_LINES = 60

/** Longer functions, as "path name", each with its reason. */
const LONG_FUNCTIONS: Record<string, string> = {
  'node/node.ts startNode': 'the one composition root: a list of parts, read from top to bottom',
  'node/tasks/engine.ts createEngine': 'wiring only: parts and the ports between them, no decision',
  'node/tasks/claims/group.ts createGroup': 'wiring only: parts and the ports between them, no decision',
}

interface Span {
  name: string
  first: number
  ownLines: number
}

export function functionLength(files: readonly SourceFile[], longFunctions = LONG_FUNCTIONS): string[] {
  return files.filter(isProduct).flatMap((file) =>
    spansOf(file)
      .filter(({ name, ownLines }) => ownLines > FUNCTION_MAX_LINES && !(`${file.path} ${name}` in longFunctions))
      .map(
        ({ name, first, ownLines }) =>
          `${file.path}:${first} ${name} has ${ownLines} lines of its own, over ${FUNCTION_MAX_LINES}; split it by step`,
      ),
  )
}

function spansOf({ program, lineAt }: SourceFile): Span[] {
  const open: Span[] = []
  const spans: Span[] = []
  let pendingName: string | undefined
  const enter = (node: { start: number; end: number; id?: { name: string } | null }): void => {
    const [first, last] = [lineAt(node.start), lineAt(node.end)]
    const outer = open.at(-1)
    // The first and last line of an inner function stay with the outer one: they are its statement.
    if (outer !== undefined) outer.ownLines -= Math.max(0, last - first - 1)
    open.push({ name: node.id?.name ?? pendingName ?? 'a function', first, ownLines: last - first + 1 })
    pendingName = undefined
  }
  const exit = (): void => {
    const span = open.pop()
    if (span !== undefined) spans.push(span)
  }
  new Visitor({
    VariableDeclarator: ({ id, init }) => {
      const isFunction = init?.type === 'ArrowFunctionExpression' || init?.type === 'FunctionExpression'
      pendingName = isFunction && id.type === 'Identifier' ? id.name : undefined
    },
    FunctionDeclaration: enter,
    'FunctionDeclaration:exit': exit,
    FunctionExpression: enter,
    'FunctionExpression:exit': exit,
    ArrowFunctionExpression: enter,
    'ArrowFunctionExpression:exit': exit,
  }).visit(program)
  return spans
}
