// Words that must not be committed: marks of unfinished work, a narrowed test run, and paths of one person's machine.
import type { TextFile } from '../source-tree.ts'

interface BannedText {
  pattern: RegExp
  cure: string
}

const BANNED: BannedText[] = [
  { pattern: /\b(TODO|FIXME|XXX|HACK)\b/, cure: 'finish it, or open an issue' }, // tidy: the rule itself
  { pattern: /\b(describe|suite|test|it)(\.\w+)*\.only\(/, cure: 'it hides every other test; remove it' },
  {
    pattern: /\/(work\/(main|shared|\.library)|tmp\/(briefs|bash_jobs)|root\/\.|home\/\w)/,
    cure: 'a path of one machine; make it relative or ask the system',
  },
  { pattern: /^(<{7}|>{7}) /, cure: 'a conflict that was not resolved' },
]

/** A line may say why it holds such a word: "tidy: …". */
const EXCUSED = /\btidy: \w/

export function committedText(files: readonly TextFile[]): string[] {
  return files
    .filter(({ path }) => path !== 'package-lock.json')
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, index) =>
          BANNED.filter(({ pattern }) => pattern.test(line) && !EXCUSED.test(line)).map(
            ({ pattern, cure }) => `${path}:${index + 1} says "${pattern.exec(line)?.[0]}": ${cure}`,
          ),
        ),
    )
}
