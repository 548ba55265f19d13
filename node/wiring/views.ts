// What people and programs see of this node: workers, tasks and the event stream, all from the same facts.
import type { EventView, TaskView } from '../../protocols/http/views.ts'
import type { Block } from '../../protocols/blocks.ts'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { Clock } from '../kernel/clock.ts'
import type { MeshHost } from '../mesh/host.ts'
import type { Membership } from '../mesh/membership.ts'
import type { BlockStore } from '../replication/block-store.ts'
import type { Engine } from '../tasks/engine.ts'
import type { TaskState } from '../tasks/fold/fold.ts'
import type { EventFeed } from '../tasks/view/event-feed.ts'
import { createEventFeed, touchedBy } from '../tasks/view/event-feed.ts'
import type { Fleet, FleetComponents } from '../tasks/view/fleet.ts'
import { createFleet } from '../tasks/view/fleet.ts'
import { taskView } from '../tasks/view/task-view.ts'
import { buildView } from '../tasks/builds/build-view.ts'
import { queueDeadline } from '../tasks/fold/transitions.ts'
import { waitingFor } from '../tasks/view/waiting.ts'
import { needsOf } from '../tasks/view/waiting-graph.ts'
import type { SecretBook } from '../tasks/secrets/secret-book.ts'
import { uniqueNames } from '../trust/unique-names.ts'
import type { MemberFacts } from './member-facts.ts'
import type { OwnPresence } from './presence.ts'
import type { ProgressBoard } from '../tasks/view/progress-board.ts'

export type ViewsComponents = {
  self: PeerId
  clock: Clock
  engine: Engine
  members: MemberFacts
  membership: Pick<Membership, 'stateOf' | 'lastSeenMs'>
  host: Pick<MeshHost, 'roundTripMs' | 'addresses' | 'addressesOf'>
  presence: Pick<OwnPresence, 'current'>
  progress: Pick<ProgressBoard, 'of'>
  blocks: Pick<BlockStore, 'read'>
  flushed(): Promise<void>
  secrets: Pick<SecretBook, 'openTo'>
  stopFor: FleetComponents['stopFor']
  /** Events that a block stands for in other rooms. */
  otherEvents(block: Block): BareEvent[]
}
export type Views = {
  fleet: Fleet
  feed: EventFeed
  taskOf(state: TaskState): TaskView | undefined
  emitTask(id: TaskId): void
  emitWorker(peer: PeerId): void
}

export type BareEvent = Omit<EventView, 'cursor' | 'time'>

export function createViews({
  self,
  clock,
  engine,
  members,
  membership,
  host,
  presence,
  progress,
  blocks,
  flushed,
  secrets,
  stopFor,
  otherEvents,
}: ViewsComponents): Views {
  const fleet = createFleet({
    self,
    members: members.current,
    uniqueNames,
    profile: engine.fold.profile,
    secretsOf: secrets.openTo,
    stopFor,
    stateOf: membership.stateOf,
    lastSeenAgoMs(peer) {
      const seenMs = membership.lastSeenMs(peer)
      return seenMs === undefined ? undefined : clock.nowMs() - seenMs
    },
    roundTripMs: host.roundTripMs,
    addresses: (peer) => (peer === self ? host.addresses() : host.addressesOf(peer)),
    isKeeper: (peer) => engine.seats.config().seats.includes(peer),
    running: engine.heldBy,
    reservedAt: engine.reservedAt,
    own: presence.current,
  })
  const taskOf = (state: TaskState): TaskView | undefined => {
    const { seats } = engine.seats.config()
    const reachable = seats.filter((seat) => seat === self || membership.stateOf(seat) === 'alive').length
    const context = {
      ...engine.states(),
      nameOf: fleet.nameOf,
      seats: { all: seats.length, reachable, majority: Math.floor(seats.length / 2) + 1 },
    }
    return taskView(state, {
      ...context,
      waiting: (one) =>
        waitingFor(one, {
          ...context,
          offers: fleet.offers(),
          needs: (task) => needsOf(task, engine.graph, engine.fold, context),
          isPaused: engine.pools.isPaused,
          gate: engine.names.gates.closed,
          deadline: (waiting) => queueDeadline(waiting, engine.fold.task),
        }),
      progress: (one) => progress.of(one.id, one.value.epoch),
    })
  }
  const taskEvent = (id: TaskId): BareEvent | undefined => {
    const state = engine.fold.task(id)
    const data = state === undefined ? undefined : taskOf(state)
    return data === undefined ? undefined : { type: 'task.updated', entity: 'task', id, data }
  }
  const buildEvent = (id: TaskId): BareEvent | undefined => {
    const state = engine.fold.task(id)
    if (state?.task?.spec.kind !== 'build') return undefined
    const task = taskOf(state)
    const data = task === undefined ? undefined : buildView(task, state)
    return data === undefined ? undefined : { type: 'build.updated', entity: 'build', id, data }
  }
  const workerEvent = (peer: PeerId): BareEvent => ({ type: 'worker.updated', entity: 'worker', id: peer, data: fleet.view(peer) })
  const feed = createEventFeed({
    wallMs: clock.wallMs,
    heads: engine.heads,
    blocks,
    flushed,
    eventsOf(block) {
      const touched = touchedBy(block)
      return [
        ...[...touched.tasks].flatMap((id) => [taskEvent(id) ?? [], buildEvent(id) ?? []].flat()),
        ...[...touched.workers].map(workerEvent),
        ...otherEvents(block),
      ]
    },
  })
  return {
    fleet,
    feed,
    taskOf,
    emitTask: (id) => (feed.emit(() => taskEvent(id)), feed.emit(() => buildEvent(id))),
    emitWorker: (peer) => feed.emit(() => workerEvent(peer)),
  }
}
