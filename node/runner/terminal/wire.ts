// The socket between a terminal's host and its node: what the node says. Both sides
// are ours and of one user; what they say is checked all the same, since attached clients stand behind it.
import * as z from 'zod'
import { attachRequest, terminalSaying, terminalSize } from '../../../protocols/terminals/frames.ts'

/** A saying in JSON: six bytes for each character at most. */
export const SAID_BYTES_MAX = 256 * 1024

export const toHost = z.discriminatedUnion('t', [
  z.strictObject({ t: z.literal('attach'), ...attachRequest.shape }),
  /** `n` counts the sayings of a client; one that was said before is not taken twice. */
  z.strictObject({ t: z.literal('say'), n: z.int().min(1), say: terminalSaying }),
  /** The node whose task it is. */
  z.strictObject({ t: z.literal('control'), epoch: z.int().min(1) }),
  z.strictObject({ t: z.literal('end'), graceMs: z.int().min(0).max(60_000) }),
])
export type ToHost = z.infer<typeof toHost>

/** What the host is started with, on its standard input. */
export const hostOrder = z.strictObject({
  folder: z.string(),
  task: z.string(),
  argv: z.array(z.string()).min(1),
  cwd: z.string(),
  env: z.record(z.string(), z.string()),
  size: terminalSize,
})
export type HostOrder = z.infer<typeof hostOrder>

/** How a terminal ended, as its host leaves it for whoever asks later. `screen`: its last text. */
export const hostEnd = z.strictObject({
  exitCode: z.int().optional(),
  signal: z.string().optional(),
  /** Ended because somebody asked for it. */
  asked: z.boolean(),
  endedAt: z.number(),
  screen: z.string(),
})
export type HostEnd = z.infer<typeof hostEnd>

export const END_FILE = 'end.json'
