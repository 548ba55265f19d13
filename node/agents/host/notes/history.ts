// What a session said in the runs of one task. A run that dies leaves no log behind: the next one says it again first, marked as such,
// so that whoever looks sees the whole conversation.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'

/** Bytes of it; a longer history is not said again: the log of one attempt has room for this much twice. */
const BYTES_MAX = 16 * 1024 * 1024

export type History = { add(line: string): void }

/** @param isSame the runs before this one were of the same task */
export function openHistory(file: string, isSame: boolean, say: (line: object) => void): History {
  let bytes = 0
  if (!isSame) writeFileSync(file, '', { mode: 0o600 })
  else {
    const text = textOf(file)
    bytes = Buffer.byteLength(text)
    for (const line of text.split('\n')) if (line.endsWith('}')) say({ ...(JSON.parse(line) as object), replayed: true })
  }
  return {
    add(line) {
      bytes += Buffer.byteLength(line) + 1
      if (bytes <= BYTES_MAX) appendFileSync(file, `${line}\n`)
    },
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // the run before died before it said anything
  }
}
