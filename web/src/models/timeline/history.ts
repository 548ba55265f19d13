// The spans of the mesh: pages of tasks from the node, newest first, then what changes; and what happened inside of builds and
// sessions that ran lately. Bounded.
import { type ReadonlySignal, batch, signal } from '@preact/signals'
import type { SessionMessage, SessionView } from '../../../../protocols/http/sessions.ts'
import type { TaskView } from '../../../../protocols/http/views.ts'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import type { Transport } from '../../transport/transport.ts'
import { commandOf, titleOf } from '../task-facts.ts'
import { type Span, spansOfBuild, spansOfSession, spansOfTask } from './span.ts'

export const SPANS_MAX = 20_000
const PAGE_TASKS = 500
/** Builds and sessions that are looked into, newest first: each costs a request. */
const BUILDS_MAX = 40
const SESSIONS_MAX = 12
/** What a session said until then is enough for its picture. */
const SESSION_READ_MS = 4_000
const SESSION_MESSAGES_MAX = 2_000

export type History = {
  spans: ReadonlySignal<readonly Span[]>
  state: ReadonlySignal<'reading' | 'whole' | 'cut'>
  error: ReadonlySignal<ApiError | undefined>
  /** What the page knows newer of some tasks. */
  take(tasks: readonly TaskView[]): void
  stop(): void
}

export function createHistory(transport: Pick<Transport, 'tasks' | 'code' | 'agents'>, text: string): History {
  const spans = signal<readonly Span[]>([])
  const state = signal<'reading' | 'whole' | 'cut'>('reading')
  const error = signal<ApiError | undefined>(undefined)
  const ofTask = new Map<string, readonly Span[]>()
  const insideOf = new Map<string, readonly Span[]>()
  const seen = new WeakSet<TaskView>()
  const gone = new AbortController()
  let count = 0

  function put(task: TaskView): boolean {
    if (seen.has(task)) return false
    seen.add(task)
    const fresh = spansOfTask(task)
    const before = ofTask.get(task.id)?.length ?? 0
    if (fresh.length === 0 || (before === 0 && count + fresh.length > SPANS_MAX)) return false
    count += fresh.length - before
    ofTask.set(task.id, fresh)
    return true
  }

  function show(): void {
    if (!gone.signal.aborted) spans.value = [...ofTask.values(), ...insideOf.values()].flat()
  }

  async function read(): Promise<void> {
    try {
      let cursor: string | undefined
      do {
        const page = await transport.tasks({ limit: PAGE_TASKS, ...(text && { q: text }), ...(cursor && { cursor }) })
        if (gone.signal.aborted) return
        for (const task of page.items) put(task)
        show()
        cursor = page.next
      } while (cursor !== undefined && count < SPANS_MAX)
      batch(() => {
        state.value = cursor === undefined ? 'whole' : 'cut'
        error.value = undefined
      })
      await lookInside()
    } catch (thrown) {
      if (!gone.signal.aborted) error.value = asApiError(thrown)
    }
  }

  async function lookInside(): Promise<void> {
    const newest = [...ofTask.values()].map((list) => list.at(-1) as Span).sort((one, two) => two.start - one.start)
    for (const span of newest.filter(({ kind }) => kind === 'build').slice(0, BUILDS_MAX)) {
      if (gone.signal.aborted) return
      // Its report may be gone: then it is drawn as a whole.
      const build = await transport.code.build(span.task).catch(() => undefined)
      if (build !== undefined) insideOf.set(span.task, spansOfBuild(span, build))
    }
    show()
    if (!newest.some(({ kind }) => kind === 'session')) return
    const sessions = await transport.agents.sessions().catch(() => [])
    for (const session of sessions.slice(0, SESSIONS_MAX)) {
      if (gone.signal.aborted) return
      insideOf.set(session.id, insideSession(session, await said(session)))
      show()
    }
  }

  async function said({ id }: SessionView): Promise<SessionMessage[]> {
    const messages: SessionMessage[] = []
    const enough = AbortSignal.any([gone.signal, AbortSignal.timeout(SESSION_READ_MS)])
    try {
      for await (const message of transport.agents.messages(id, enough)) {
        messages.push(message)
        if (messages.length >= SESSION_MESSAGES_MAX) break
      }
    } catch {
      // It goes on, or cannot be read: what was said so far is drawn.
    }
    return messages
  }

  function insideSession({ tasks }: SessionView, messages: readonly SessionMessage[]): Span[] {
    return tasks.flatMap((task) => {
      const wholes = ofTask.get(task) ?? []
      const own = messages.filter((message) => message.task === task)
      return spansOfSession((epoch) => wholes.find((span) => span.epoch === epoch && span.level === 0), own)
    })
  }

  void read()
  return {
    spans,
    state,
    error,
    take(tasks) {
      if (
        tasks
          .filter((task) => matches(task, text))
          .map(put)
          .some(Boolean)
      )
        show()
    },
    stop: () => gone.abort(),
  }
}

function matches(task: TaskView, text: string): boolean {
  return text === '' || `${task.id} ${titleOf(task)} ${commandOf(task)}`.toLowerCase().includes(text.toLowerCase())
}
