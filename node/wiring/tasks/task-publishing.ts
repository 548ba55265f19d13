// Publishes tasks for the API: one, a batch that may be a graph, or again what has ended. Everything is checked before anything
// is written, and a large batch lets others have their turn in between.
import type { TaskRequest } from '../../../protocols/http/task-request.ts'
import type { OnceName, PeerId, TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { Published } from '../../api/ports.ts'
import type { Clock } from '../../kernel/clock.ts'
import { nextTurn } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { checkGraph } from '../../tasks/check-graph.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'
import { mismatch } from '../../tasks/matching/match.ts'
import { spread } from '../../tasks/matching/spread.ts'
import type { Quota } from '../../tasks/own-load.ts'
import type { Publication, Spread } from '../../tasks/publish.ts'
import { specOf } from '../../tasks/task-spec.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'

export type TaskPublishingComponents = {
  self: PeerId
  clock: Clock
  engine: Engine
  fleet: Fleet
  quota: Quota
  /** The epoch of a member's present process, by its presence. */
  epochOf(peer: PeerId): number | undefined
  /** @throws NimbusError where the task may not publish these; the specs with what they are given of its own */
  grant(parent: TaskId, specs: readonly TaskSpec[]): TaskSpec[]
}

export type TaskPublishing = {
  /** @param parent the task that publishes them, where one does */
  publish(requests: readonly TaskRequest[], parent?: TaskId): Promise<Published>
  /** Each as a new task that names the old one; what they come after is their retries where there are any. */
  again(states: readonly TaskState[]): Promise<Published>
}

/** How long an answer waits for a majority: a large batch is megabytes on several disks. */
const ACKNOWLEDGE_MS = 1_500
const ACKNOWLEDGE_TASK_MS = 0.5
/** Tasks handled before others have their turn: some milliseconds of work. */
const SLICE = 512

export function createTaskPublishing({ self, clock, engine, fleet, quota, epochOf, grant }: TaskPublishingComponents): TaskPublishing {
  /** Who should claim first, as this node sees the mesh: saves that node one round trip. */
  const spreadNow = (): Spread => {
    const author = { peer: self, name: fleet.nameOf(self) }
    const offers = fleet.offers()
    return (spec, first, count) => {
      const able = offers.filter((offer) => epochOf(offer.node) !== undefined && mismatch(spec, author, offer) === undefined)
      return spread(spec, first, count, able).map(([node, many]) => [node, epochOf(node) as number, many])
    }
  }
  const publishAll = async (
    names: readonly OnceName[],
    specAt: (at: number, ids: readonly TaskId[]) => TaskSpec,
    parent?: TaskId,
  ): Promise<Published> => {
    const drafts = engine.publisher.drafts(names)
    const ids = drafts.map(({ id }) => id)
    const asked: TaskSpec[] = []
    await inSlices(drafts.length, (at) => void asked.push(specAt(at, ids)))
    const specs = parent === undefined ? asked : grant(parent, asked)
    checkGraph(ids, specs, (id) => engine.fold.task(id)?.task !== undefined)
    engine.ownLoad.assertRoom(specs, quota)
    const made: Publication[] = []
    const toWhom = spreadNow()
    for (let at = 0; at < specs.length; at += SLICE) {
      if (at > 0) await nextTurn()
      made.push(...engine.publisher.publishAll(specs.slice(at, at + SLICE), drafts.slice(at, at + SLICE), toWhom))
    }
    const duplicates = new Set(made.flatMap(({ id, duplicate }) => (duplicate ? [id] : [])))
    // What another member published is known here, but it alone knows how many keepers have it: a claimed task is known to a majority.
    const claimed = made.every(({ id, seq }) => seq !== undefined || (engine.fold.task(id)?.value.version ?? 0) > 0)
    const last = made.reduce((newest, { seq = 0 }) => Math.max(newest, seq), 0)
    const durability = last > 0 ? await engine.durable(last, ACKNOWLEDGE_MS + specs.length * ACKNOWLEDGE_TASK_MS) : 'majority'
    return { ids, duplicates, durability: claimed ? durability : 'local' }
  }
  /** Where this one's retry comes after: what ended badly is replaced by its own retry. */
  const afterAgain = (state: TaskState, batch: ReadonlyMap<TaskId, TaskId>): TaskId[] =>
    (state.task?.spec.after ?? []).map((need) => {
      const value = engine.fold.task(need)?.value
      const endedWell = value?.state !== 'settled' || value.end === 'succeeded' || state.task?.spec.afterAny === true
      const instead = batch.get(need) ?? engine.graph.retriedAs(need)
      if (endedWell && !batch.has(need)) return need
      if (instead !== undefined) return instead
      throw new NimbusError('after-failed', `Task ${state.id} cannot run again: it comes after task ${need}, which ${value?.end}.`, {
        kind: 'refused',
        cure: `Run that one again first, or both at once: nimbus task retry ${need} ${state.id}`,
      })
    })

  return {
    async publish(requests, parent) {
      if (parent !== undefined) engine.families.assertRoom(parent, requests.length)
      const origin = parent === undefined ? {} : { parent }
      return publishAll(requests, (at, ids) => ({ ...specOf(requests[at] as TaskRequest, clock.wallMs(), ids), ...origin }), parent)
    },
    again(states) {
      let batch: ReadonlyMap<TaskId, TaskId> | undefined
      return publishAll(
        states.map(() => ({})),
        (at, ids) => {
          const state = states[at] as TaskState
          const spec: TaskSpec = { ...(state.task?.spec as TaskSpec), retryOf: state.id }
          for (const key of OWN_TO_ONE) delete spec[key]
          batch ??= new Map(states.map(({ id }, index) => [id, ids[index] as TaskId]))
          const after = afterAgain(state, batch)
          return after.length > 0 ? { ...spec, after } : spec
        },
      )
    },
  }
}

/** What a retry does not take over: its time and its name are those of the task that ended, and nobody waits for it inside. */
const OWN_TO_ONE = ['notBefore', 'dedupe', 'schedule', 'parent', 'after'] as const

async function inSlices(count: number, one: (at: number) => void): Promise<void> {
  for (let at = 0; at < count; at++) {
    if (at > 0 && at % SLICE === 0) await nextTurn()
    one(at)
  }
}
