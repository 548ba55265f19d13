// Joins the room of agents to the queue, the mesh and the API: its part of the fold is there before the engine is, its work before the
// first run, the rest once views exist.
import type { Block } from '../../../protocols/blocks.ts'
import type { AgentLine } from '../../../protocols/agents/agent-events.ts'
import { readAgentLine } from '../../../protocols/agents/agent-events.ts'
import type { SessionView } from '../../../protocols/http/sessions.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { Entry } from '../../../protocols/records.ts'
import type { LinkMessage, LinkMessageOf } from '../../../protocols/streams.ts'
import type { TaskSpec } from '../../../protocols/tasks/task-spec.ts'
import type { SessionsPort } from '../../api/routes/sessions/sessions-port.ts'
import { createSessionBook } from '../../agents/session-book.ts'
import { mergeSession, offerSession, type ResultComponents } from '../../agents/result/session-merge.ts'
import { createSessionDesk, isLive } from '../../agents/session-desk.ts'
import { createSessionSaves } from '../../agents/moving/session-saves.ts'
import { createSessionReading, type ReadingComponents } from '../../agents/session-reading.ts'
import { createSessionRuns, type SessionRunsComponents } from '../../agents/session-runs.ts'
import { followUp } from '../../agents/session-specs.ts'
import { sessionView } from '../../agents/session-view.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { FoldPart, TaskState } from '../../tasks/fold/fold.ts'
import type { Quota } from '../../tasks/own-load.ts'
import type { AgentWork } from '../../tasks/work/agent-work.ts'
import type { PreparationComponents } from '../../tasks/work/prepare-run.ts'
import { createMayWrite } from '../plan/may-write.ts'
import type { BareEvent, Views } from '../views.ts'
import { createMoving, type Moving, type MovingComponents, type MovingRooms } from './moving.ts'
import type { Mismatch } from '../../tasks/matching/match.ts'
import { countStart, createAccountStops } from './accounts.ts'
import { createSessionChains } from './session-chains.ts'

export type SessionsComponents = Pick<MovingComponents, 'call' | 'fetch'> & {
  self: PeerId
  clock: Clock
  random: Random
  dataDir: string
  blobs: BlobStore
  repos: { clone: PreparationComponents['clone'] } & Pick<ResultComponents, 'withRemote' | 'credentialFor'>
  environment: Readonly<Record<string, string | undefined>>
  /** To every linked member. */
  tell(message: LinkMessage): void
  money: SessionRunsComponents['money']
}
export type Sessions = Pick<Moving, 'notHereBeforeMs' | 'named' | 'take'> & {
  part: FoldPart
  work: AgentWork
  noteTask(state: TaskState): void
  /** Why a worker would only let a session wait: its account has to. */
  stopFor(worker: PeerId, spec: TaskSpec): Mismatch | undefined
  receive(from: PeerId, message: LinkMessageOf<'session-output'>): void
  eventsOf(block: Block): BareEvent[]
  open(rooms: MovingRooms & { views: Pick<Views, 'feed' | 'taskOf'>; quota: Quota; node: ReadingNode }): SessionsPort
}

/** What reading and cancelling needs of the node: asked for when it is used. */
export type ReadingNode = {
  task: ReadingComponents['task']
  readLog: ReadingComponents['readLog']
  openBlob: ReadingComponents['open']
  cancel(task: string): Promise<unknown>
}

/** Sessions looked at for files that a merge has in common with them. */
const MERGE_LOOK_MAX = 500
const ACKNOWLEDGE_MS = 1_500

export function createSessions(components: SessionsComponents): Sessions {
  const { self, clock } = components
  const chains = createSessionChains()
  let opened: Opened | undefined
  const accountStop = createAccountStops(clock, () => opened?.wake())
  const changed = (session: TaskId): void => {
    chains.changed(session)
    moving.changed(session)
    runs.onOrders(session)
    opened?.updated(session)
  }
  const book = createSessionBook(changed)
  const moving = createMoving({ ...components, book })
  const saves = createSessionSaves({ ...components, ports: moving.ports })
  const runs = createSessionRuns({
    ...components,
    clone: components.repos.clone,
    book,
    saves,
    countStart: (account) => opened?.countStart(account) ?? Promise.resolve(0),
    said: moving.said,
    append: (entry) => void opened?.append(entry),
    settled: async (signal) => opened?.settled(signal),
    tell({ session, task, epoch, at, line }) {
      components.tell({ t: 'session-output', session, task, epoch, at, line: JSON.stringify(line) })
      opened?.output({ session, task, epoch, at, line })
    },
    goOn: (task, session) => opened?.goOn(task, session),
    sendBack: (task, worker) => opened?.sendBack(task, worker),
    nameOf: (peer) => opened?.nameOf(peer) ?? peer,
  })
  return {
    part: book.part,
    notHereBeforeMs: moving.notHereBeforeMs,
    named: moving.named,
    take: moving.take,
    work: runs.work,
    noteTask(state) {
      const session = chains.note(state)
      if (session !== undefined) changed(session)
    },
    stopFor: (worker, { kind }) => (kind === 'agent' ? accountStop(book.limitOf(worker)) : undefined),
    receive(_from, { session, task, epoch, at, line }) {
      const event = readAgentLine(line)
      if (event !== undefined) opened?.output({ session, task, epoch, at, line: event })
    },
    eventsOf: (block) =>
      (block.entries as Entry[]).flatMap((entry) => (entry.kind === 'session' ? (opened?.eventOf(entry.session) ?? []) : [])),
    open({ engine, fleet, views, quota, node, ...rooms }) {
      moving.open({ engine, fleet, ...rooms })
      for (const state of engine.fold.tasks()) chains.note(state)
      const aliveNow = (peer: PeerId): boolean => peer === self || fleet.view(peer)?.state === 'alive'
      const view = (session: TaskId): SessionView | undefined =>
        sessionView(
          chains.tasksOf(session).flatMap((id) => engine.fold.task(id) ?? []),
          { book, nameOf: fleet.nameOf, isAlive: aliveNow, waiting: (state) => views.taskOf(state)?.waiting },
        )
      const eventOf = (session: TaskId): BareEvent | undefined => {
        const data = view(session)
        return data === undefined ? undefined : { type: 'session.updated', entity: 'session', id: session, data }
      }
      const publish = async (spec: TaskSpec): Promise<TaskId> => {
        engine.ownLoad.assertRoom([spec], quota)
        const { id, seq } = engine.publishOnce(spec)
        if (seq !== undefined) await engine.durable(seq, ACKNOWLEDGE_MS)
        return id
      }
      const specOf = (task: TaskId): TaskSpec | undefined => engine.fold.task(task)?.task?.spec
      let appended = 0
      opened = {
        wake: engine.scheduler.wake,
        countStart: (account) => countStart(clock, engine.names, account),
        append: (entry) => (appended = engine.append(entry)),
        async settled(signal) {
          while (!signal.aborted && (await engine.durable(appended, ACKNOWLEDGE_MS)) !== 'majority');
        },
        nameOf: fleet.nameOf,
        updated: (session) => views.feed.emit(() => eventOf(session)),
        output: ({ session, task, epoch, at, line }) =>
          views.feed.emit(() => ({ type: 'session.output', entity: 'session', id: session, data: { task, epoch, at, event: line } })),
        eventOf: (session) => eventOf(session),
        goOn(task, session) {
          const spec = specOf(task)
          if (spec?.agent === undefined) return
          const next = { ...spec, agent: { ...spec.agent, prompt: '' } }
          engine.publishOnce(followUp(next, { id: session, tasks: [task], worker: self }))
        },
        sendBack(task, worker) {
          const spec = specOf(task)
          if (spec?.agent === undefined) return
          const next = { ...spec, agent: { ...spec.agent, order: spec.agent.order ?? task } }
          engine.publishOnce({ ...followUp(next, { id: spec.agent.session ?? task, tasks: [task], worker }), worker })
        },
      }
      const desk = createSessionDesk({
        self,
        clock,
        random: components.random,
        book,
        append: engine.append,
        durable: engine.durable,
        nameOf: fleet.nameOf,
        assertMayWrite: createMayWrite(self, fleet),
        view,
        ids: chains.sessions,
        publish,
        specOf,
        cancel: node.cancel,
        isSettled: (task) => engine.fold.task(task)?.value.state === 'settled',
        target: moving.target,
        changed: chains.next,
      })
      const reading = createSessionReading({
        find: desk.find,
        task: node.task,
        readLog: node.readLog,
        changed: (session, signal) => chains.next(session as TaskId, signal),
        open: node.openBlob,
      })
      const { messages, diff } = reading
      const others = (id: string): SessionView[] => desk.list({ limit: MERGE_LOOK_MAX }).items.filter((one) => one.id !== id && isLive(one))
      const result: ResultComponents = { ...components.repos, clock, reading, others }
      const merge: SessionsPort['merge'] = (id, how, signal) => mergeSession(result, desk.known(id), how, signal)
      const offer: SessionsPort['offer'] = (id, how, signal) => offerSession(result, desk.known(id), how, signal)
      return { ...desk, messages, diff, merge, offer }
    },
  }
}

/** What is there once the engine and the views are. */
type Opened = {
  wake(): void
  countStart(account: string): Promise<number>
  append(entry: Entry): number
  settled(signal: AbortSignal): Promise<void>
  nameOf(peer: PeerId): string
  updated(session: TaskId): void
  output(output: { session: TaskId; task: TaskId; epoch: number; at: number; line: AgentLine }): void
  eventOf(session: TaskId): BareEvent | undefined
  goOn(task: TaskId, session: TaskId): void
  sendBack(task: TaskId, worker: PeerId): void
}
