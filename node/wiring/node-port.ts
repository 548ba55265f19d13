// What the API asks of this node, answered from the fold, the fleet and the engine. Every answer is made from proven state;
// what has to happen elsewhere is carried there over the mesh.
import type { CallRequest } from '../../protocols/calls.ts'
import { decodeCallAnswer } from '../../protocols/calls.ts'
import type { MeshView, TaskView, WorkerView } from '../../protocols/http/views.ts'
import type { OnceName, PeerId, TaskId } from '../../protocols/ids.ts'
import { isTaskId } from '../../protocols/ids.ts'
import type { TaskSpec } from '../../protocols/records.ts'
import type { MessagesPort, NodePort, Published, SchedulesPort, WorkerVerb } from '../api/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import type { Engine } from '../tasks/engine.ts'
import type { TaskState } from '../tasks/fold/fold.ts'
import { mismatch } from '../tasks/matching/match.ts'
import { spread } from '../tasks/matching/spread.ts'
import type { Spread } from '../tasks/publish.ts'
import type { EventFeed } from '../tasks/view/event-feed.ts'
import type { Fleet } from '../tasks/view/fleet.ts'
import { countStates, stateName } from '../tasks/fold/transitions.ts'
import { checkGraph } from '../tasks/check-graph.ts'
import { specOf } from '../tasks/task-spec.ts'
import type { InsidePort } from './ports/inside-port.ts'
import type { RunLogs } from '../tasks/work/run-logs.ts'
import { createMayWrite } from './plan/may-write.ts'

export type NodePortComponents = {
  self: PeerId
  mesh: string
  clock: Clock
  random: Random
  engine: Engine
  fleet: Fleet
  feed: EventFeed
  logs: RunLogs
  /** The epoch of a member's present process, by its presence. */
  epochOf(peer: PeerId): number | undefined
  viewOf(state: TaskState): TaskView | undefined
  httpAddress(): string
  startedAtMs: number
  /** Parts of the port that stand in files of their own. */
  parts: InsidePort & Pick<NodePort, 'blobs' | 'secrets'>
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
  const publishAll = async (make: (ids: readonly TaskId[]) => readonly TaskSpec[], names: readonly OnceName[]): Promise<Published> => {
    assertMayWrite('publish')
    const drafts = engine.publisher.drafts(names)
    const specs = make(drafts.map(({ id }) => id))
    checkGraph(
      drafts.map(({ id }) => id),
      specs,
      (id) => engine.fold.task(id)?.task !== undefined,
    )
    const made = engine.publisher.publishAll(specs, drafts, spreadNow())
    const ids = made.map(({ id }) => id)
    const duplicates = new Set(made.flatMap(({ id, duplicate }) => (duplicate ? [id] : [])))
    // What another member published is known here, but it alone knows how many keepers have it: a claimed task is known to a majority.
    const claimed = made.every(({ id, seq }) => seq !== undefined || (engine.fold.task(id)?.value.version ?? 0) > 0)
    const last = Math.max(0, ...made.map(({ seq }) => seq ?? 0))
    const durability = last > 0 ? await engine.durable(last, ACKNOWLEDGE_MS) : 'majority'
    return { ids, duplicates, durability: claimed ? durability : 'local' }
  }
  /** Who should claim first, as this node sees the mesh: saves that node one round trip. */
  const spreadNow = (): Spread => {
    const author = { peer: self, name: fleet.nameOf(self) }
    const offers = fleet.offers()
    return (spec, first, count) => {
      const able = offers.filter((offer) => components.epochOf(offer.node) !== undefined && mismatch(spec, author, offer) === undefined)
      return spread(spec, first, count, able).map(([node, many]) => [node, components.epochOf(node) as number, many])
    }
  }

  return {
    mesh: () => meshView(components),
    workers: fleet.views,
    findWorker(nameOrId) {
      const peer = fleet.find(nameOrId)
      return peer === undefined ? undefined : fleet.view(peer)
    },
    tasks({ limit, cursor, q, state, worker: named }) {
      const items: TaskView[] = []
      const peer = named === undefined ? undefined : fleet.find(named)
      const text = q?.toLowerCase()
      for (const id of engine.newestTasks(cursor)) {
        const task = engine.fold.task(id)
        if (task?.task === undefined) continue
        if (state !== undefined && stateName(task, engine.states()) !== state) continue
        if (named !== undefined && ![...task.attempts.values()].some((attempt) => attempt.holder === peer)) continue
        if (text !== undefined && !`${id} ${task.task.spec.name ?? ''} ${task.task.spec.argv.join(' ')}`.toLowerCase().includes(text))
          continue
        if (items.length === limit) return { items, next: items.at(-1)?.id ?? '' }
        items.push(viewOf(task))
      }
      return { items }
    },
    task: (id) => (isTaskId(id) && engine.fold.task(id)?.task !== undefined ? viewOf(known(id)) : undefined),
    publish(requests, parent) {
      if (parent !== undefined) engine.families.assertRoom(parent as TaskId, requests.length)
      const origin = parent === undefined ? {} : { parent: parent as TaskId }
      return publishAll((ids) => requests.map((request) => ({ ...specOf(request, clock.wallMs(), ids), ...origin })), requests)
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
      const { task } = known(id)
      if (task === undefined) throw new NimbusError('task-unknown', `There is no task ${id}.`, { kind: 'missing' })
      // Its name belongs to the task that ended.
      const { notBefore: _, dedupe: _dedupe, schedule: _schedule, parent: _parent, ...spec } = task.spec
      const { ids } = await publishAll(() => [{ ...spec, retryOf: known(id).id }], [{}])
      return viewOf(known(ids[0] ?? id))
    },
    readLog: (id, query) => components.logs.read(known(id).id, query),
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

async function expectDone(frames: AsyncIterable<Uint8Array>, verb: string, name: string): Promise<void> {
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
    tasks: countStates(engine.fold, engine.states()),
    foldHash: engine.foldHash(),
    entries: engine.heads().reduce((sum, [, , seq]) => sum + seq, 0),
    httpAddress: httpAddress(),
    uptimeMs: Math.round(clock.nowMs() - startedAtMs),
  }
}
