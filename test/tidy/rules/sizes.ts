// Sizes are a guide: most files are short, a long one stands here with its reason, and a folder tells one subject.
import { dirname } from 'node:path'
import { isProduct, type SourceFile } from '../source-tree.ts'

const MEDIAN_MAX_LINES = 90
const P90_MAX_LINES = 180
const FILE_MAX_LINES = 250
const FOLDER_MAX_FILES = 12

/** Files over 250 lines: one subject, told in one place, beats a split by size. */
const LONG_FILES: Record<string, string> = {
  'node/tasks/claims/group.ts': 'the wiring of the keeper group: parts and the ports between them',
  'node/tasks/claims/seats.ts': 'one protocol, how seats change hands, told in one place',
  'node/tasks/engine.ts': 'the wiring of the queue: a list of parts, read from top to bottom',
  'node/node.ts': 'the one composition root: a list of parts, read from top to bottom',
}
/** Folders over a dozen files. */
const FULL_FOLDERS: Record<string, string> = {}

export function fileSizes(files: readonly SourceFile[], longFiles = LONG_FILES): string[] {
  const product = files.filter(isProduct).map(({ lineCount }) => lineCount)
  const [median, p90] = [percentile(product, 0.5), percentile(product, 0.9)]
  const findings = files
    .filter(({ path, lineCount }) => lineCount > FILE_MAX_LINES && !(path in longFiles))
    .map(
      ({ path, lineCount }) =>
        `${path} has ${lineCount} lines, over ${FILE_MAX_LINES}; split it by subject, or list it in sizes.ts with its reason`,
    )
  if (median > MEDIAN_MAX_LINES) findings.push(`the median file has ${median} lines, over ${MEDIAN_MAX_LINES}; split files by subject`)
  if (p90 > P90_MAX_LINES) findings.push(`one file in ten has ${p90} lines or more, over ${P90_MAX_LINES}; split files by subject`)
  return [...findings, ...stale(longFiles, (path) => files.some((file) => file.path === path && file.lineCount > FILE_MAX_LINES))]
}

export function folderSizes(files: readonly SourceFile[], fullFolders = FULL_FOLDERS): string[] {
  const counts = new Map<string, number>()
  for (const { path } of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  const findings = [...counts]
    .filter(([folder, count]) => count > FOLDER_MAX_FILES && !(folder in fullFolders))
    .map(([folder, count]) => `${folder}/ holds ${count} files, over ${FOLDER_MAX_FILES}: two subjects; split it by noun`)
  return [...findings, ...stale(fullFolders, (folder) => (counts.get(folder) ?? 0) > FOLDER_MAX_FILES)]
}

/** The smallest value that at least this fraction of the values does not exceed. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? 0
}

function stale(exceptions: Record<string, string>, isNeeded: (path: string) => boolean): string[] {
  return Object.keys(exceptions)
    .filter((path) => !isNeeded(path))
    .map((path) => `sizes.ts lists ${path}, which is no longer over the limit; take it off the list`)
}
