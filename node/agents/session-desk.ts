// What people and programs ask of sessions, at any node: start, look, give orders, answer. An order is an entry of the logs: the
// session's worker does each once, whenever it can be reached, and its record says what became of it.
import type { OrderView, SessionAnswer, SessionMove, SessionRequest, SessionView } from '../../protocols/http/sessions.ts'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import { isTaskId, taskId } from '../../protocols/ids.ts'
import type { SessionOrder } from '../../protocols/agents/session-records.ts'
import type { Entry } from '../../protocols/records.ts'
import type { TaskSpec } from '../../protocols/tasks/task-spec.ts'
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import type { SessionBook } from './session-book.ts'
import { followUp, specFor } from './session-specs.ts'

export type SessionDeskComponents = {
  self: PeerId
  clock: Clock
  random: Pick<Random, 'bytes'>
  book: SessionBook
  append(entry: Entry): number
  durable(seq: number, timeoutMs: number): Promise<'majority' | 'local'>
  nameOf(peer: PeerId): string
  assertMayWrite(deed: string): void
  view(session: TaskId): SessionView | undefined
  /** IDs of sessions, newest first. */
  ids(): TaskId[]
  /** Publishes the task that carries a session, or goes on with one. */
  publish(spec: TaskSpec): Promise<TaskId>
  /** What was asked for when it began. */
  specOf(session: TaskId): TaskSpec | undefined
  cancel(task: TaskId): Promise<unknown>
  isSettled(task: TaskId): boolean
  /** The worker of that name. @throws NimbusError where it is none, or may not go on with the session */
  target(session: TaskId, worker: string): PeerId
  /** Settles at the next change of the session, or when the signal fires. */
  changed(session: TaskId, signal: AbortSignal): Promise<void>
}

export type SessionDesk = {
  list(query: { limit: number; cursor?: string; q?: string }): { items: SessionView[]; next?: string }
  find(session: string): SessionView | undefined
  /** @throws NimbusError `session-unknown` */
  known(session: string): SessionView
  start(request: SessionRequest): Promise<SessionView>
  send(session: string, order: { text: string; budgetUsd?: number | undefined }): Promise<OrderView>
  interrupt(session: string): Promise<OrderView>
  stop(session: string): Promise<OrderView>
  answer(session: string, answer: SessionAnswer): Promise<OrderView>
  resume(session: string, how: { budgetUsd?: number | undefined }): Promise<SessionView>
  /** Another worker goes on with it: from where its worker ends it now, or from what was saved where that worker is gone. */
  move(session: string, to: SessionMove): Promise<OrderView>
}

const ACKNOWLEDGE_MS = 1_500
/** How long an answer waits to be able to say what became of an order. */
const TAKEN_MS = 3_000
const GO_ON = 'Go on where you were.'

export function createSessionDesk(components: SessionDeskComponents): SessionDesk {
  const { self, clock, book } = components
  const known = (id: string): SessionView => {
    const view = isTaskId(id) ? components.view(id) : undefined
    if (view !== undefined) return view
    throw new NimbusError('session-unknown', `There is no session ${id.slice(0, 64)}.`, {
      kind: 'missing',
      cure: 'nimbus session ls lists them.',
    })
  }
  const give = async (session: TaskId, order: Pick<SessionOrder, 'op' | 'text' | 'request' | 'allow' | 'to' | 'now'>): Promise<TaskId> => {
    const createdAt = clock.wallMs()
    const id = taskId(self, createdAt, components.random.bytes(16))
    const given = Object.fromEntries(Object.entries(order).filter(([, value]) => value !== undefined)) as typeof order
    const seq = components.append({ kind: 'session-order', id, session, createdAt, by: components.nameOf(self), ...given })
    await components.durable(seq, ACKNOWLEDGE_MS)
    return id
  }
  const settled = async (session: TaskId, order: TaskId): Promise<OrderView> => {
    const over = new AbortController()
    const cancel = clock.after(TAKEN_MS, () => over.abort())
    const isTaken = (): boolean => book.newest(session)?.taken.includes(order) === true
    while (!isTaken() && !over.signal.aborted) await components.changed(session, over.signal)
    cancel()
    return { order, taken: isTaken(), session: known(session) }
  }
  const goOn = async (session: SessionView, prompt: string, budgetUsd: number | undefined): Promise<TaskId> => {
    const before = components.specOf(session.tasks.at(-1) as TaskId)
    if (before?.agent === undefined)
      throw new NimbusError('session-unknown', `Session ${session.id} has not arrived at this node yet.`, { kind: 'missing' })
    const { order: _order, ...kept } = before.agent
    const agent = { ...kept, prompt, ...(budgetUsd === undefined ? {} : { budgetUsd }) }
    return components.publish(followUp({ ...before, agent }, session))
  }

  return {
    known,
    list({ limit, cursor, q }) {
      const text = q?.toLowerCase()
      const items: SessionView[] = []
      for (const id of components.ids()) {
        if (cursor !== undefined && id >= cursor) continue
        const view = components.view(id)
        if (view === undefined || (text !== undefined && !mentions(view, text))) continue
        if (items.length === limit) return { items, next: items.at(-1)?.id ?? '' }
        items.push(view)
      }
      return { items }
    },
    find: (session) => (isTaskId(session) ? components.view(session) : undefined),
    async start(asked) {
      components.assertMayWrite('start a session')
      return known(await components.publish(specFor(asked, clock.wallMs())))
    },
    async send(id, { text, budgetUsd }) {
      components.assertMayWrite('send to a session')
      const session = known(id)
      if (isLive(session)) return settled(session.id as TaskId, await give(session.id as TaskId, { op: 'send', text }))
      const task = await goOn(session, text, budgetUsd)
      return { order: task, taken: false, session: known(id) }
    },
    async interrupt(id) {
      components.assertMayWrite('interrupt a session')
      const session = liveOnly(known(id))
      return settled(session, await give(session, { op: 'interrupt' }))
    },
    async stop(id) {
      components.assertMayWrite('stop a session')
      const session = known(id)
      const last = session.tasks.at(-1) as TaskId
      liveOnly(session)
      // What no process runs yet is taken back; what runs ends in order, and puts its work away.
      if (session.state === 'starting') {
        await components.cancel(last)
        return { order: last, taken: true, session: known(id) }
      }
      return settled(session.id as TaskId, await give(session.id as TaskId, { op: 'stop' }))
    },
    async answer(id, { request, allow, note }) {
      components.assertMayWrite('answer a session')
      const session = known(id)
      const asked = request ?? onlyAsk(session)
      const before = session.decided.find((decision) => decision.request === asked)
      if (before !== undefined) return { order: '', taken: true, session, decision: before, won: false }
      if (!session.asks.some((ask) => ask.request === asked))
        throw new NimbusError('request-unknown', `Session ${id} has no request ${asked} that waits.`, {
          kind: 'missing',
          cure: 'nimbus session show ID lists what waits.',
        })
      const order = await give(session.id as TaskId, { op: 'answer', request: asked, allow, ...(note === undefined ? {} : { text: note }) })
      const view = await settled(session.id as TaskId, order)
      const decision = view.session.decided.find((one) => one.request === asked)
      const won = book.newest(session.id as TaskId)?.decided.find((one) => one.request === asked)?.order === order
      return { ...view, ...(decision === undefined ? {} : { decision, won }) }
    },
    async resume(id, { budgetUsd }) {
      components.assertMayWrite('resume a session')
      const session = known(id)
      if (isLive(session))
        throw new NimbusError('session-live', `Session ${id} is ${session.state}: there is nothing to resume.`, {
          kind: 'refused',
          cure: 'nimbus session send gives it more to do.',
        })
      await goOn(session, GO_ON, budgetUsd)
      return known(id)
    },
    async move(id, { worker, now }) {
      components.assertMayWrite('move a session')
      const session = known(id)
      const target = components.target(session.id as TaskId, worker)
      const last = session.tasks.at(-1) as TaskId
      const spec = components.specOf(last)
      if (spec?.agent === undefined) return known(id) && { order: last, taken: false, session }
      if (target === session.worker && session.state !== 'interrupted')
        throw new NimbusError('session-there', `Session ${id} is on ${components.nameOf(target)} already.`, {
          kind: 'refused',
          cure: 'nimbus worker ls lists the others.',
        })
      const isOver = components.isSettled(last)
      // The prompt goes along where nobody may have taken it; whoever did knows its order.
      const agent = { ...spec.agent, ...(isOver ? { prompt: '' } : { order: spec.agent.order ?? last }), home: target }
      const task = await components.publish({ ...followUp({ ...spec, agent }, { ...session, worker: target }) })
      if (isOver) return { order: task, taken: true, session: known(id) }
      if (isOpen(session)) return settled(session.id as TaskId, await give(session.id as TaskId, { op: 'move', to: target, now }))
      await components.cancel(last)
      return { order: task, taken: true, session: known(id) }
    },
  }
}

export function isLive({ state }: SessionView): boolean {
  return state !== 'done' && state !== 'failed' && state !== 'interrupted'
}

/** A process of it may be there. */
function isOpen({ state }: SessionView): boolean {
  return state === 'working' || state === 'waiting' || state === 'idle'
}

function liveOnly(session: SessionView): TaskId {
  if (isLive(session)) return session.id as TaskId
  throw new NimbusError('session-over', `Session ${session.id} is ${session.state} already.`, {
    kind: 'refused',
    cure: 'nimbus session send goes on with it.',
  })
}

function onlyAsk({ id, asks }: SessionView): string {
  const [first, second] = asks
  if (first !== undefined && second === undefined) return first.request
  throw new NimbusError(
    first === undefined ? 'request-unknown' : 'request-unclear',
    `Session ${id} has ${asks.length} requests that wait.`,
    {
      kind: first === undefined ? 'missing' : 'usage',
      cure: first === undefined ? 'nimbus session show ID shows its state.' : `Name one: ${asks.map(({ request }) => request).join(', ')}.`,
    },
  )
}

function mentions({ id, name, prompt, repo, workerName }: SessionView, text: string): boolean {
  return [id, name, prompt, repo, workerName].some((one) => one?.toLowerCase().includes(text) === true)
}
