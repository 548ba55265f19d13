// Who is the one to claim the task of a session: the worker where the session is, for as long as it is there; after that any that may go
// on from what was saved. A wrong guess costs a move, never work: what counts is decided when the folder is made ready.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'
import { newestOf, type SaidRecord } from './whereabouts.ts'

/** A worker that starts again, or upgrades, is back in this time: its own folder has more than what was saved. */
export const HOME_GRACE_MS = 5_000
const LOOK_MS = 1_000

export type HomeComponents = {
  self: PeerId
  clock: Pick<Clock, 'nowMs'>
  said(session: TaskId): readonly SaidRecord[]
  /** Milliseconds since it was heard of; 0 while it is here, Infinity where it left the mesh for good. */
  silentMs(peer: PeerId): number
}

/** When this worker may claim the task, by the monotonic clock. */
export function notHereBeforeMs(state: TaskState, { self, clock, said, silentMs }: HomeComponents): number {
  const agent = state.task?.spec.agent
  if (agent?.onLoss !== 'move') return 0
  const known = said(agent.session ?? state.id)
  const newest = newestOf(known)
  const ofTask = newestOf(known.filter(({ record }) => record.task === state.id))
  const home = ofTask?.worker ?? agent.home ?? newest?.worker
  if (home === undefined || home === self) return 0
  const silent = silentMs(home)
  if (silent === 0) return clock.nowMs() + LOOK_MS
  // Nobody but its worker can go on with it; or it has not begun.
  if (newest !== undefined && newest.record.agentSession !== undefined && !isFor(newest, self)) return Infinity
  return silent >= HOME_GRACE_MS ? 0 : clock.nowMs() + HOME_GRACE_MS - silent
}

function isFor({ worker, record: { save } }: SaidRecord, self: PeerId): boolean {
  return worker === self || save?.sealed.some(({ to }) => to === self) === true
}
