// Where a session is: in the folder of a worker, in what that worker saved of it, or nowhere yet. Pure. Only the words of members that
// held the task count; the newest of them says where it is, so a worker that was away finds out that its folder is an old one.
import type { SessionRecord, SessionSave } from '../../../protocols/agents/session-records.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'

export type SaidRecord = { worker: PeerId; record: SessionRecord }
/** Which run of a session a folder was used by last. */
export type FolderRun = Pick<SessionRecord, 'run' | 'task' | 'epoch'>

export type Whereabouts =
  /** In this worker's own folder. */
  | { at: 'here' }
  /** Saved by that worker: this one can go on from there. */
  | { at: 'saved'; worker: PeerId; record: SessionRecord; save: SessionSave }
  /** Only on that worker. */
  | { at: 'elsewhere'; worker: PeerId }
  /** Nothing was done yet. */
  | { at: 'nowhere' }

/** @param said by members that held the task that the record names, under its epoch */
export function whereabouts(said: readonly SaidRecord[], self: PeerId, folder: FolderRun | undefined): Whereabouts {
  const newest = newestOf(said)
  if (newest === undefined) return folder === undefined ? { at: 'nowhere' } : { at: 'here' }
  const { worker, record } = newest
  if (folder !== undefined && (worker === self || !isLater(record, folder))) return { at: 'here' }
  const { save } = record
  if (save !== undefined && save.sealed.some(({ to }) => to === self)) return { at: 'saved', worker, record, save }
  // Its agent was never ready: it has done nothing there.
  if (save === undefined && record.agentSession === undefined && record.turns === 0) return { at: 'nowhere' }
  return worker === self ? { at: 'nowhere' } : { at: 'elsewhere', worker }
}

export function newestOf(said: readonly SaidRecord[]): SaidRecord | undefined {
  let newest: SaidRecord | undefined
  for (const one of said) if (newest === undefined || isLater(one.record, newest.record)) newest = one
  return newest
}

function isLater(one: FolderRun, other: FolderRun): boolean {
  if (one.run !== other.run) return one.run > other.run
  if (one.task !== other.task) return (one.task satisfies TaskId) > other.task
  return one.epoch > other.epoch
}
