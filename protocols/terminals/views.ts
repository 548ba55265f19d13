// Terminals as a client asks for them and as they are shown.
import * as z from 'zod'
import { terminalSize } from './frames.ts'
import { secretName } from '../http/task-request.ts'
import { taskState } from '../http/views.ts'

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'no NUL and no lone surrogate')

/** `worker` by name or peer ID; the asked node itself where none is named. */
export const terminalRequest = z
  .strictObject({
    argv: z.array(text(32_768)).min(1).max(1024),
    worker: text(128).optional(),
    name: text(200).optional(),
    size: terminalSize.optional(),
    env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a variable name'), z.string().max(32_768)).optional(),
    secrets: z.array(secretName).max(32).optional(),
    repo: z
      .url({ protocol: /^https?$/ })
      .max(2048)
      .optional(),
    ref: text(256).optional(),
  })
  .meta({ id: 'TerminalRequest' })

/** `id` is that of its task. */
export const terminalView = z
  .object({
    id: z.string(),
    state: taskState,
    argv: z.array(z.string()),
    name: z.string().optional(),
    worker: z.string(),
    workerName: z.string(),
    createdAt: z.int(),
  })
  .meta({ id: 'Terminal' })
export type TerminalView = z.infer<typeof terminalView>
