// What a node notes of work that it leaves to its next process, and what that reads: data of runs, checked, no secrets.
import * as z from 'zod'
import type { TaskId, Term } from '../../../protocols/ids.ts'
import { isTaskId } from '../../../protocols/ids.ts'

/** More than a node has slots. */
const LEFT_MAX = 1_000
const PATH_MAX = 4_096

const prepared = z.object({
  root: z.string().max(PATH_MAX),
  cwd: z.string().max(PATH_MAX),
  env: z.record(z.string(), z.string()),
  stdinFile: z.string().max(PATH_MAX).optional(),
  commit: z.string().max(64).optional(),
  notes: z.array(z.string()).optional(),
})
const leftWork = z.object({
  run: z.string().max(200),
  task: z.custom<TaskId>((value) => typeof value === 'string' && isTaskId(value)),
  epoch: z.int().min(1),
  term: z.custom<Term>((value) => typeof value === 'string' && value.length <= 64),
  attempt: z.int().min(1),
  prepared,
  costUsd: z.number().optional(),
})
export type LeftWork = z.infer<typeof leftWork>

const note = z.object({ v: z.literal(1), work: z.array(leftWork).max(LEFT_MAX) })

export function writeLeftWork(work: readonly LeftWork[]): string {
  return JSON.stringify({ v: 1, work })
}

/** Undefined where another version wrote something else: then what it left is ended, not guessed. */
export function readLeftWork(text: string): LeftWork[] | undefined {
  try {
    return note.parse(JSON.parse(text)).work
  } catch {
    return undefined // not JSON, or not of this shape
  }
}
