// What a worker that could not finish a build asks of the rest of the mesh: who may go on with it, and which build was good before.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { Engine } from '../../tasks/engine.ts'
import { buildAskOf } from '../../tasks/builds/build-ask.ts'
import { mismatch } from '../../tasks/matching/match.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import type { Elsewhere } from '../../tasks/builds/build-work.ts'

export type ElsewhereRooms = { engine: Engine; fleet: Fleet }

/** Tasks looked at for the last good build, newest first. */
const LOOK_MAX = 20_000

/** @param rooms asked when a build ends: by then they are there */
export function createElsewhere(self: PeerId, rooms: () => ElsewhereRooms, ownTools: Elsewhere['ownTools']): Elsewhere {
  return {
    ownTools,
    self,
    anotherMay: (task) => anotherMay(self, rooms(), task),
    lastGood: (task) => lastGood(rooms(), task),
  }
}

/** It failed here for want of memory, disk or network. */
function anotherMay(self: PeerId, { engine, fleet }: ElsewhereRooms, task: TaskId): boolean {
  const state = engine.fold.task(task)
  if (state?.task === undefined) return false
  const { spec, author } = state.task
  const ask = buildAskOf(state)
  const by = { peer: author, name: fleet.nameOf(author) }
  return fleet.offers().some((offer) => offer.node !== self && offer.slots > 0 && mismatch(spec, by, offer, ask) === undefined)
}

function lastGood({ engine }: ElsewhereRooms, task: TaskId): ReturnType<Elsewhere['lastGood']> {
  const spec = engine.fold.task(task)?.task?.spec
  if (spec?.repo === undefined) return undefined
  let looked = 0
  for (const id of engine.newestTasks(undefined)) {
    if ((looked += 1) > LOOK_MAX) return undefined
    const { task: other, value } = engine.fold.task(id) ?? {}
    const commit = value?.outcome?.build?.commit
    if (other?.spec.kind !== 'build' || other.spec.repo !== spec.repo || other.spec.ref !== spec.ref) continue
    if (value?.end === 'succeeded' && commit !== undefined) return { task: id, commit }
  }
  return undefined
}
