// What a session said and did, and what it changed, read at any node: from the logs of its attempts and the files they left.
import { readAgentLine } from '../../protocols/agents/agent-events.ts'
import type { SessionMessage, SessionView } from '../../protocols/http/sessions.ts'
import type { LogChunk, TaskView } from '../../protocols/http/views.ts'
import { SESSION_LINE_MAX } from '../../protocols/limits.ts'
import { logBytes } from '../../protocols/log-bytes.ts'
import { NimbusError } from '../kernel/errors.ts'
import { BUNDLE_FILE, DIFF_FILE } from './host/work-tree.ts'

export type ReadingComponents = {
  find(session: string): SessionView | undefined
  task(id: string): TaskView | undefined
  readLog(id: string, query: { from: number; follow: boolean; attempt?: number; signal: AbortSignal }): AsyncIterable<LogChunk>
  /** Settles at the next change of the session, or when the signal fires. */
  changed(session: string, signal: AbortSignal): Promise<void>
  open(hash: string, signal: AbortSignal): Promise<{ size: number; bytes: AsyncIterable<Uint8Array> }>
}
type Query = { follow: boolean; signal: AbortSignal }
type File = { size: number; bytes: AsyncIterable<Uint8Array> }

export type SessionReading = {
  messages(session: string, query: { follow: boolean; signal: AbortSignal }): AsyncIterable<SessionMessage>
  diff(session: string, signal: AbortSignal): Promise<File>
  /** The commits; undefined where it made none. */
  bundle(session: string, signal: AbortSignal): Promise<File | undefined>
}

export function createSessionReading(components: ReadingComponents): SessionReading {
  const known = (id: string): SessionView => {
    const view = components.find(id)
    if (view !== undefined) return view
    throw new NimbusError('session-unknown', `There is no session ${id.slice(0, 64)}.`, {
      kind: 'missing',
      cure: 'nimbus session ls lists them.',
    })
  }
  /** Of the newest task that left one: each holds all changes since the session began. */
  const fileOf = (session: SessionView, path: string): string | undefined =>
    session.tasks
      .map((id) => components.task(id)?.result?.artifacts?.find((artifact) => artifact.path === path)?.hash)
      .findLast((hash) => hash !== undefined)
  const attemptsOf = async function* (session: string, task: string, query: Query): AsyncIterable<SessionMessage> {
    const { follow, signal } = query
    const seen = new Set<number>()
    let said = false
    while (!signal.aborted) {
      const view = components.task(task)
      const attempt = view?.attempts.find(({ epoch }) => !seen.has(epoch))
      const waits = follow && view !== undefined && view.result === undefined
      if (attempt === undefined && !waits) return
      if (attempt === undefined) {
        await components.changed(session, signal)
        continue
      }
      const { epoch } = attempt
      seen.add(epoch)
      const before = said
      for await (const message of linesOf(components.readLog(task, { from: 0, follow: waits, attempt: epoch, signal }))) {
        // Said again for those who did not hear it.
        if (message.event['replayed'] === true && before) continue
        said = true
        yield { task, epoch, ...message }
      }
    }
  }
  return {
    async *messages(session, query) {
      const done = new Set<string>()
      for (let view = known(session); ; view = known(session)) {
        const task = view.tasks.find((id) => !done.has(id))
        if (task === undefined || query.signal.aborted) return
        done.add(task)
        yield* attemptsOf(session, task, query)
      }
    },
    async diff(session, signal) {
      const view = known(session)
      const hash = fileOf(view, DIFF_FILE)
      if (hash !== undefined) return components.open(hash, signal)
      throw new NimbusError('no-diff-yet', `Session ${session} is ${view.state} and has not put its work away yet.`, {
        kind: 'refused',
        cure: 'Wait for its end, or stop it: nimbus session stop ID.',
      })
    },
    async bundle(session, signal) {
      const hash = fileOf(known(session), BUNDLE_FILE)
      return hash === undefined ? undefined : components.open(hash, signal)
    },
  }
}

async function* linesOf(chunks: AsyncIterable<LogChunk>): AsyncIterable<{ at: number; event: SessionMessage['event'] }> {
  let rest = Buffer.alloc(0)
  let restAt = 0
  for await (const chunk of chunks) {
    if (chunk.stream !== 'stdout') continue
    if (rest.length === 0) restAt = chunk.offset
    rest = Buffer.concat([rest, logBytes(chunk)])
    let start = 0
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, start)) {
      const event = readAgentLine(rest.toString('utf8', start, end))
      // What is between a host and its node is nobody's message.
      if (event !== undefined && event.type !== 'saved') yield { at: restAt + start, event }
      start = end + 1
    }
    rest = rest.subarray(start)
    restAt += start
    if (rest.length > 4 * SESSION_LINE_MAX) rest = Buffer.alloc(0)
  }
}
