// What a node knows of one task. There may be a hundred thousand of them: what tasks of a batch have in common is one object,
// so nothing in a state is changed in place.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { RegisterValue, TaskSpec } from '../../../protocols/records.ts'
import type { Attempts } from './attempts.ts'
import { NO_ATTEMPTS } from './attempts.ts'

export type TaskBody = { author: PeerId; createdAt: number; spec: TaskSpec; preferred?: readonly [PeerId, number]; hlc: number }

export type TaskState = {
  id: TaskId
  /** Absent while only register values have arrived. */
  task: TaskBody | undefined
  /** Of an ID that follows from a name: each author's record. `task` is the one that the register names, else the earliest. */
  records: Map<PeerId, TaskBody> | undefined
  cancel: { author: PeerId; reason?: string; hlc: number } | undefined
  value: RegisterValue
  attempts: Attempts
  /** HLC of the newest entry about the task. */
  updated: number
  /** Whether the hash of the fold has counted it. */
  inSum: boolean
  /** Whether its end has been counted. */
  isCounted: boolean
}

export const INITIAL_VALUE: RegisterValue = { version: 0, epoch: 0, state: 'free', attempt: 1 }

/** A task of which nothing is known but its ID. */
export function emptyState(id: TaskId): TaskState {
  return {
    id,
    task: undefined,
    records: undefined,
    cancel: undefined,
    value: INITIAL_VALUE,
    attempts: NO_ATTEMPTS,
    updated: 0,
    inSum: false,
    isCounted: false,
  }
}
