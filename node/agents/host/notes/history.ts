// What a session said in the runs of one task. A run that dies leaves no log behind: the next one says it again first, marked as such,
// so that whoever looks sees the whole conversation.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { readAgentLine } from '../../../../protocols/agents/agent-events.ts'

/** Bytes of it; a longer history is not said again: the log of one attempt has room for this much twice. */
const BYTES_MAX = 16 * 1024 * 1024

/** Of the calls that were finished, the last ones: what the agent itself kept of them may lack the very last. */
const FINISHED_MAX = 8
const FINISHED_TEXT_MAX = 300

export type History = {
  add(line: string): void
  /** One line a call, for whoever goes on. */
  finished: string[]
}

/** @param isSame the runs before this one were of the same task: what they said is said again */
export function openHistory(file: string, isSame: boolean, say: (line: object) => void): History {
  let bytes = 0
  const calls = new Map<string, string>()
  const finished: string[] = []
  const text = textOf(file)
  for (const line of text.split('\n')) {
    const event = readAgentLine(line)
    if (event === undefined) continue
    if (isSame) say({ ...event, replayed: true })
    if (event.type === 'tool') calls.set(event.call, `${event.tool} ${event.input.slice(0, FINISHED_TEXT_MAX)}`)
    if (event.type === 'tool-result') finished.push(`${calls.get(event.call) ?? event.call} -> ${event.text.slice(0, FINISHED_TEXT_MAX)}`)
  }
  if (isSame) bytes = Buffer.byteLength(text)
  else writeFileSync(file, '', { mode: 0o600 })
  return {
    finished: finished.slice(-FINISHED_MAX),
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
