// Many tasks named in few bytes. The IDs of one batch differ in their last two characters only, so that tasks which follow
// each other are named by the first of them and how many there are: a *run*.
import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { PeerId, TaskId } from '../ids.ts'
import { base32, isTaskId, timeText } from '../ids.ts'
import { TASK_BATCH_MAX } from '../limits.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const ID_CHARACTERS = 26
const PREFIX_CHARACTERS = 24
const VALUES = new Int8Array(128).fill(-1)
for (let value = 0; value < 32; value++) VALUES[ALPHABET.charCodeAt(value)] = value

/** [first, how many]: this task and those that follow it in its batch. */
export type TaskRun = [TaskId, number]
const taskRun = z
  .tuple([z.custom<TaskId>((value) => typeof value === 'string' && isTaskId(value), 'not a task ID'), z.int().min(1).max(TASK_BATCH_MAX)])
  .refine(([first, count]) => placeOf(first) + count <= TASK_BATCH_MAX, 'a run goes beyond its batch')

/** At most this many tasks in all. */
export function runsUpTo(tasksMax: number) {
  return z
    .array(taskRun)
    .min(1)
    .max(tasksMax)
    .refine((runs) => countTasks(runs) <= tasksMax, `more than ${tasksMax} tasks`)
}

/**
 * The IDs of a batch. They bind author, time and nonce like the ID of a single task does: 70 bits of the hash are in each.
 * @param first the place of the first one; no place reaches TASK_BATCH_MAX
 */
export function batchTaskIds(author: PeerId, timeMs: number, nonce: Uint8Array, first: number, count: number): TaskId[] {
  const hash = createHash('sha256').update(`nimbus/tasks/v1\0${author}\0${timeMs}\0`).update(nonce).digest()
  return idsFrom(timeText(timeMs) + base32(hash.subarray(0, 9)).slice(0, 14), first, count)
}

/** Every ID of the runs, in order. */
export function expandRuns(runs: readonly TaskRun[]): TaskId[] {
  const first = runs[0]
  if (runs.length === 1 && first !== undefined)
    return first[1] === 1 ? [first[0]] : idsFrom(prefixOf(first[0]), placeOf(first[0]), first[1])
  const ids: TaskId[] = []
  for (const [id, count] of runs) {
    if (count === 1) ids.push(id)
    else for (const one of idsFrom(prefixOf(id), placeOf(id), count)) ids.push(one)
  }
  return ids
}

/** The shortest runs for these IDs, in their order. */
export function runsOf(ids: readonly TaskId[]): TaskRun[] {
  const runs: TaskRun[] = []
  let prefix = ''
  let next = -1
  for (const id of ids) {
    const last = runs.at(-1)
    const place = placeOf(id)
    if (last !== undefined && place === next && id.startsWith(prefix)) last[1] += 1
    else {
      runs.push([id, 1])
      prefix = prefixOf(id)
    }
    next = place < 0 ? -1 : place + 1
  }
  return runs
}

export function countTasks(runs: readonly TaskRun[]): number {
  let count = 0
  for (const run of runs) count += run[1]
  return count
}

/** -1 for what is no task ID: it follows nothing. */
function placeOf(id: string): number {
  if (id.length !== ID_CHARACTERS) return -1
  const high = VALUES[id.charCodeAt(PREFIX_CHARACTERS)] ?? -1
  const low = VALUES[id.charCodeAt(PREFIX_CHARACTERS + 1)] ?? -1
  return high < 0 || low < 0 ? -1 : high * 32 + low
}

function prefixOf(id: string): string {
  return id.slice(0, PREFIX_CHARACTERS)
}

/** Flat strings, cut from one piece of bytes: a concatenation would keep its parts alive beside itself. */
function idsFrom(prefix: string, place: number, count: number): TaskId[] {
  const bytes = Buffer.allocUnsafe(count * ID_CHARACTERS).fill(`${prefix}00`, 'latin1')
  return Array.from({ length: count }, (_, i) => {
    const at = i * ID_CHARACTERS
    bytes[at + PREFIX_CHARACTERS] = ALPHABET.charCodeAt((place + i) >> 5)
    bytes[at + PREFIX_CHARACTERS + 1] = ALPHABET.charCodeAt((place + i) & 31)
    return bytes.toString('latin1', at, at + ID_CHARACTERS) as TaskId
  })
}
