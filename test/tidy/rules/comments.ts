// Two comments that must be there: a header that says what a file is, and the reason of an empty catch.
import { type ESTree, Visitor } from 'vite'
import type { SourceFile } from '../source-tree.ts'

const HEADER_MAX_LINES = 5

export function headerComments(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    if (/\.test\.tsx?$/.test(path)) return []
    const lines = text.split('\n').filter((line, index) => !(index === 0 && line.startsWith('#!')))
    const first = lines.findIndex((line) => !/^(\/\/|\/\*| \*)/.test(line))
    const height = first === -1 ? lines.length : first
    if (height === 0) return [`${path}:1 has no header; say in one to ${HEADER_MAX_LINES} lines what it is and what it must never do`]
    return height > HEADER_MAX_LINES ? [`${path}:1 has a header of ${height} lines; keep it to ${HEADER_MAX_LINES}`] : []
  })
}

export function emptyCatches(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const found: { start: number; end: number }[] = []
    new Visitor({
      CatchClause: (node) => {
        if (node.body.body.length === 0) found.push(node)
      },
      CallExpression: ({ callee, arguments: [handler] }) => {
        if (callee.type !== 'MemberExpression' || callee.computed || callee.property.name !== 'catch') return
        if (handler !== undefined && doesNothing(handler)) found.push(handler)
      },
    }).visit(file.program)
    return found
      .filter((node) => !isExplained(file, node))
      .map(
        ({ start }) =>
          `${file.path}:${file.lineAt(start)} drops an error without a reason; handle it, or say in a comment why it may be dropped`,
      )
  })
}

function doesNothing(handler: ESTree.Expression | ESTree.SpreadElement): boolean {
  if (handler.type !== 'ArrowFunctionExpression') return false
  const { body } = handler
  if (body.type === 'BlockStatement') return body.body.length === 0
  return (body.type === 'Identifier' && body.name === 'undefined') || (body.type === 'UnaryExpression' && body.operator === 'void')
}

/** A reason stands inside, behind on the same line, or on the line above. */
function isExplained({ comments, lineAt }: SourceFile, { start, end }: { start: number; end: number }): boolean {
  return comments.some((comment) => {
    if (comment.start >= start && lineAt(comment.start) <= lineAt(end)) return true
    return lineAt(comment.end) === lineAt(start) - 1
  })
}
