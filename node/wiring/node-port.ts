// What the API asks of this node, answered from the fold, the fleet and the engine. Every answer is made from proven state;
// what has to happen elsewhere is carried there over the mesh.
import type { CallRequest } from '../../protocols/calls.ts'
import { decodeCallAnswer } from '../../protocols/calls.ts'
import type { MeshView, PoolView, TaskView, WorkerView } from '../../protocols/http/views.ts'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import { isTaskId } from '../../protocols/ids.ts'
import type { TaskSpec } from '../../protocols/records.ts'
import type { MessagesPort, NodePort, SchedulesPort, WorkerVerb } from '../api/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Engine } from '../tasks/engine.ts'
import type { TaskState } from '../tasks/fold/fold.ts'
import type { EventFeed } from '../tasks/view/event-feed.ts'
import type { Fleet } from '../tasks/view/fleet.ts'
import { stateName } from '../tasks/fold/transitions.ts'
import type { InsidePort } from './ports/inside-port.ts'
import type { RunLogs } from '../tasks/work/run-logs.ts'
import { createMayWrite } from './plan/may-write.ts'
import type { Quota } from '../tasks/own-load.ts'
import { poolViews } from './tasks/pool-views.ts'
import { endedAs, taskSearch } from './tasks/task-search.ts'
import { createTaskPublishing } from './tasks/task-publishing.ts'

export type NodePortComponents = {
  self: PeerId
  mesh: string
  clock: Clock
  engine: Engine
  fleet: Fleet
  feed: EventFeed
  logs: RunLogs
  quota: Quota
  /** The epoch of a member's present process, by its presence. */
  epochOf(peer: PeerId): number | undefined
  viewOf(state: TaskState): TaskView | undefined
  httpAddress(): string
  startedAtMs: number
  /** Parts of the port that stand in files of their own. */
  parts: InsidePort &
    Pick<
      NodePort,
      | 'blobs'
      | 'builds'
      | 'secrets'
      | 'tokens'
      | 'names'
      | 'groups'
      | 'terminals'
      | 'repos'
      | 'services'
      | 'upgrade'
      | 'hosting'
      | 'sessions'
      | 'costs'
      | 'questions'
      | 'heldLocks'
      | 'knowledge'
      | 'passes'
    >
  /** The specs as a task may publish them. */
  grant(parent: TaskId, specs: readonly TaskSpec[]): TaskSpec[]
  invite: NodePort['invite']
  call(peer: PeerId, request: CallRequest): AsyncIterable<Uint8Array>
  commandSelf(verb: WorkerVerb): Promise<void>
  removeMember(peer: PeerId): Promise<void>
  leave(): Promise<void>
  shutdown(drain: boolean): void
  metrics(): Promise<string>
  messages: MessagesPort
  schedules: SchedulesPort
}

const ACKNOWLEDGE_MS = 1_500
const CANCEL_WAIT_MS = 3_000

export function createNodePort(components: NodePortComponents): NodePort {
  const { self, clock, engine, fleet, feed } = components
  const known = (id: string): TaskState => {
    const state = isTaskId(id) ? engine.fold.task(id) : undefined
    if (state?.task !== undefined) return state
    throw new NimbusError('task-unknown', `There is no task ${id}.`, { kind: 'missing', cure: 'nimbus task ls lists them.' })
  }
  const viewOf = (state: TaskState): TaskView => {
    const view = components.viewOf(state)
    if (view === undefined) throw new NimbusError('task-unknown', `Task ${state.id} has not arrived at this node yet.`, { kind: 'missing' })
    return view
  }
  const worker = (peer: PeerId): WorkerView => {
    const view = fleet.view(peer)
    if (view === undefined)
      throw new NimbusError('worker-unknown', `There is no worker ${peer}.`, { kind: 'missing', cure: 'nimbus worker ls lists them.' })
    return view
  }
  const assertMayWrite = createMayWrite(self, fleet)
  const publishing = createTaskPublishing(components)

  return {
    mesh: () => meshView(components),
    workers: fleet.views,
    findWorker(nameOrId) {
      const peer = fleet.find(nameOrId)
      return peer === undefined ? undefined : fleet.view(peer)
    },
    tasks({ limit, cursor, q, state, worker: named, kind }) {
      const items: TaskView[] = []
      const peer = named === undefined ? undefined : fleet.find(named)
      const matches = taskSearch(components, q)
      for (const id of engine.newestTasks(cursor)) {
        const task = engine.fold.task(id)
        if (task?.task === undefined) continue
        if (state !== undefined && stateName(task, engine.states()) !== state) continue
        if (kind !== undefined && task.task.spec.kind !== kind) continue
        if (named !== undefined && ![...task.attempts.values()].some((attempt) => attempt.holder === peer)) continue
        if (!matches(task)) continue
        if (items.length === limit) return { items, next: items.at(-1)?.id ?? '' }
        items.push(viewOf(task))
      }
      return { items }
    },
    task: (id) => (isTaskId(id) && engine.fold.task(id)?.task !== undefined ? viewOf(known(id)) : undefined),
    async publish(requests, parent) {
      assertMayWrite('publish')
      return publishing.publish(requests, parent as TaskId | undefined)
    },
    async cancel(id) {
      assertMayWrite('cancel')
      const state = known(id)
      if (state.value.state === 'settled')
        throw new NimbusError('task-ended', `Task ${id} has ended already: it ${state.value.end}.`, {
          kind: 'refused',
          cure: 'Run it again as a new task: nimbus task retry ID.',
        })
      if (state.cancel === undefined) await engine.durable(engine.append({ kind: 'cancel', task: state.id }), ACKNOWLEDGE_MS)
      const signal = new AbortController()
      const cancel = clock.after(CANCEL_WAIT_MS, () => signal.abort())
      while (engine.fold.task(state.id)?.value.state !== 'settled' && !signal.signal.aborted) await engine.changed(state.id, signal.signal)
      cancel()
      return viewOf(known(id))
    },
    async retry(id) {
      assertMayWrite('publish')
      const { ids } = await publishing.again([known(id)])
      return viewOf(known(ids[0] ?? id))
    },
    async retryMany(which) {
      assertMayWrite('publish')
      const states = 'ids' in which ? which.ids.map(known) : endedAs(components, which)
      if (states.length === 0) return { items: [], durability: 'majority' }
      const { ids, durability } = await publishing.again(states)
      return { items: ids.map((id, at) => ({ id, retryOf: states[at]?.id ?? '' })), durability }
    },
    pools: () => poolViews(engine, fleet),
    async setPool(name, paused) {
      assertMayWrite(paused ? 'pause a pool' : 'resume a pool')
      if (engine.pools.isPaused(name) !== paused) await engine.durable(engine.append({ kind: 'pool', pool: name, paused }), ACKNOWLEDGE_MS)
      return poolViews(engine, fleet, name).find((pool) => pool.name === name) as PoolView
    },
    readLog: (id, query) => components.logs.read(known(id).id, query),
    readLines: (id, query) => components.logs.lines(known(id).id, query),
    ...components.parts,
    invite: components.invite,
    async command(peerId, verb) {
      const peer = peerId as PeerId
      if (peer !== self) assertMayWrite(verb)
      if (peer === self) await components.commandSelf(verb)
      else await expectDone(components.call(peer, { op: 'command', verb }), verb, fleet.nameOf(peer))
      return worker(peer)
    },
    removeWorker: (peerId) => components.removeMember(peerId as PeerId),
    leave: components.leave,
    shutdown: ({ drain }) => Promise.resolve(components.shutdown(drain)),
    events: ({ since, signal }) => feed.read({ signal, ...(since === undefined ? {} : { since }) }),
    metrics: components.metrics,
    messages: components.messages,
    schedules: components.schedules,
  }
}

/** Reads an answer that is only done or not. */
export async function expectDone(frames: AsyncIterable<Uint8Array>, verb: string, name: string): Promise<void> {
  for await (const frame of frames) {
    const answer = decodeCallAnswer(frame)
    if (answer?.t === 'done') return
    if (answer?.t === 'error')
      throw new NimbusError(answer.code, answer.message, { kind: answer.kind, ...(answer.cure === undefined ? {} : { cure: answer.cure }) })
  }
  throw new NimbusError('no-answer', `Worker ${name} did not answer to ${verb}.`, {
    kind: 'unreachable',
    cure: 'nimbus worker ls shows whether it is alive.',
  })
}

function meshView({ self, mesh, clock, engine, fleet, httpAddress, startedAtMs }: NodePortComponents): MeshView {
  const members = fleet.views()
  const own = members.find((member) => member.peerId === self)
  if (own === undefined)
    throw new NimbusError('not-a-member', 'This node is no member of its mesh any more.', {
      kind: 'refused',
      cure: 'Join again with a new data folder.',
    })
  const { version, seats } = engine.seats.config()
  return {
    mesh,
    self: own,
    members,
    group: {
      name: 'default',
      version,
      seats: [...seats],
      reachable: members.filter((member) => seats.includes(member.peerId as PeerId) && member.state === 'alive').length,
      majority: Math.floor(seats.length / 2) + 1,
    },
    tasks: engine.counts(),
    foldHash: engine.foldHash(),
    entries: engine.heads().reduce((sum, [, , seq]) => sum + seq, 0),
    httpAddress: httpAddress(),
    uptimeMs: Math.round(clock.nowMs() - startedAtMs),
  }
}
