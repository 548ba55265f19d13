// Of a task of kind `build`: what a run of it came to, beside the exit code. The whole report is among the artifacts.
import * as z from 'zod'
import type { PeerId, TaskId } from '../ids.ts'
import { isPeerId, isTaskId } from '../ids.ts'
import { TOOL_NEEDS_MAX, toolNeed } from './tool-needs.ts'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

export const buildOutcome = z.looseObject({
  commit: z.string().max(64).optional(),
  commands: z.int().min(0),
  failure: z.string().max(64).optional(),
  reason: z.string().max(2048).optional(),
  flaky: z.boolean().optional(),
  /** Of a failed build: the newest one of the same repository and ref that succeeded; what that left is there to go back to. */
  lastGood: z
    .looseObject({ task: z.custom<TaskId>((value) => typeof value === 'string' && isTaskId(value)), commit: z.string().max(64) })
    .optional(),
  /** Of a build that goes on elsewhere: what this worker's machine lacks. */
  needs: z.array(toolNeed).max(TOOL_NEEDS_MAX).optional(),
  /** The same where the machine has the tools and failed all the same: it is not to be given to this worker again. */
  tried: z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value), 'not a peer ID').optional(),
  /** The tar of downloads that it used (`hit`), or left for other builds, under this key; `size` in bytes. */
  cache: z.looseObject({ key: sha256, hash: sha256, size: z.int().min(0), hit: z.boolean() }).optional(),
})
