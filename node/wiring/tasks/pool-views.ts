// The pools of the mesh: every one that a worker belongs to, a task asks for, or somebody paused.
import type { PoolView } from '../../../protocols/http/views.ts'
import type { Engine } from '../../tasks/engine.ts'
import { stateName } from '../../tasks/fold/transitions.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'

/** @param named a pool that is shown also where nobody knows it */
export function poolViews(engine: Pick<Engine, 'fold' | 'pools' | 'states'>, fleet: Pick<Fleet, 'offers'>, named?: string): PoolView[] {
  const views = new Map<string, PoolView>()
  const viewOf = (name: string): PoolView => {
    const known = views.get(name)
    if (known !== undefined) return known
    const view: PoolView = { name, paused: engine.pools.isPaused(name), workers: [], slots: 0, freeSlots: 0, open: 0, running: 0 }
    views.set(name, view)
    return view
  }
  if (named !== undefined) viewOf(named)
  for (const name of engine.pools.words().keys()) viewOf(name)
  for (const { pool, alive, name, slots, freeSlots } of fleet.offers()) {
    if (pool === undefined) continue
    const view = viewOf(pool)
    view.workers.push(name)
    view.slots += alive ? slots : 0
    view.freeSlots += alive ? freeSlots : 0
  }
  const states = engine.states()
  for (const state of engine.fold.tasks()) {
    const pool = state.task?.spec.pool
    if (pool === undefined || state.value.state === 'settled') continue
    if (stateName(state, states) === 'running') viewOf(pool).running += 1
    else viewOf(pool).open += 1
  }
  return [...views.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
