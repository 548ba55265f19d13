// A patch of git as files, hunks and numbered lines, made inert and bounded; and comments on its lines as words for an agent. Pure.
import { inertText } from '../text/inert-text.ts'

/** Lines that are shown; a patch that is longer says so. */
const PATCH_LINES_MAX = 4_000

export type PatchLine = { kind: 'same' | 'added' | 'removed'; text: string; before?: number; after?: number }
export type PatchHunk = { head: string; lines: PatchLine[] }
export type PatchFile = {
  path: string
  /** Where it was called otherwise before. */
  from?: string
  what: 'changed' | 'new' | 'removed' | 'renamed'
  binary: boolean
  added: number
  removed: number
  hunks: PatchHunk[]
}
export type Patch = { files: PatchFile[]; cut: boolean }

export function readPatch(text: string): Patch {
  const files: PatchFile[] = []
  let file: PatchFile | undefined
  let hunk: PatchHunk | undefined
  let [before, after, left, right, lines] = [0, 0, 0, 0, 0]
  for (const line of text.split('\n')) {
    if (hunk !== undefined && file !== undefined && (left > 0 || right > 0) && /^[ +\-\\]/.test(line)) {
      if (lines >= PATCH_LINES_MAX) return { files, cut: true }
      if (line.startsWith('\\')) continue // no newline at the end
      lines += 1
      const shown = inertText(line.slice(1))
      if (line.startsWith('+')) {
        hunk.lines.push({ kind: 'added', text: shown, after: after++ })
        file.added += 1
        right -= 1
      } else if (line.startsWith('-')) {
        hunk.lines.push({ kind: 'removed', text: shown, before: before++ })
        file.removed += 1
        left -= 1
      } else {
        hunk.lines.push({ kind: 'same', text: shown, before: before++, after: after++ })
        left -= 1
        right -= 1
      }
      continue
    }
    const [, was = '', is = ''] = /^diff --git (?:"?a\/(.*?)"?) (?:"?b\/(.*?)"?)$/.exec(line) ?? []
    if (line.startsWith('diff --git ')) {
      file = {
        path: inertText(is),
        what: 'changed',
        binary: false,
        added: 0,
        removed: 0,
        hunks: [],
        ...(was === is ? {} : { from: inertText(was) }),
      }
      hunk = undefined
      files.push(file)
      continue
    }
    if (file === undefined) continue
    if (line.startsWith('new file mode')) file.what = 'new'
    else if (line.startsWith('deleted file mode')) file.what = 'removed'
    else if (line.startsWith('rename from ')) file.what = 'renamed'
    else if (line.startsWith('GIT binary patch') || line.startsWith('Binary files ')) file.binary = true
    const [, oldFrom, oldCount = '1', newFrom, newCount = '1', about = ''] =
      /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$/.exec(line) ?? []
    if (oldFrom === undefined || newFrom === undefined) continue
    ;[before, after, left, right] = [Number(oldFrom), Number(newFrom), Number(oldCount), Number(newCount)]
    hunk = {
      head: `lines ${newFrom} to ${Math.max(Number(newFrom), Number(newFrom) + Number(newCount) - 1)}${inertText(about)}`,
      lines: [],
    }
    file.hunks.push(hunk)
  }
  return { files, cut: false }
}

export type Comment = { path: string; line: PatchLine; text: string }

/** What the session is told: each comment with its place and the line that it is about. */
export function reviewText(comments: readonly Comment[]): string {
  const parts = comments.map(({ path, line, text }) => {
    const place = line.after === undefined ? `line ${line.before} of before, which is removed` : `line ${line.after}`
    return `${path}, ${place}:\n> ${line.text.slice(0, 200)}\n${text.trim()}`
  })
  return `Comments on your changes, please see to each:\n\n${parts.join('\n\n')}`
}
