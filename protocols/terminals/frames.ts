// What a terminal and those who are attached to it say to each other: the same bytes on the socket of its host, between nodes and on a
// WebSocket, with a schema for each. How frames lie in bytes is in frame-bytes.ts.
import * as z from 'zod'
import { TERMINAL_COLS_MAX, TERMINAL_HISTORY_MAX, TERMINAL_INPUT_MAX, TERMINAL_PIECE_BYTES_MAX, TERMINAL_ROWS_MAX } from '../limits.ts'
import { decodeFrame, encodeFrame } from './frame-bytes.ts'

/** The longest frame of output or screen. */
export const TERMINAL_FRAME_BYTES_MAX = TERMINAL_PIECE_BYTES_MAX + 64

export const terminalSize = z.strictObject({
  cols: z.int().min(2).max(TERMINAL_COLS_MAX),
  rows: z.int().min(2).max(TERMINAL_ROWS_MAX),
})
export type TerminalSize = z.infer<typeof terminalSize>

/** `take` writes even where somebody else does: he is told. */
export const attachMode = z.enum(['write', 'read', 'take'])
export type AttachMode = z.infer<typeof attachMode>

/** What a client is known by when it comes again: nobody else may know it. */
export const clientId = z.string().regex(/^[0-9a-f]{16,64}$/, 'must be 16 to 64 hexadecimal digits')

/** How somebody attaches. `link` is new for each count of sayings. `history`: lines above the screen that are wanted. */
export const attachRequest = z.strictObject({
  client: clientId,
  link: clientId,
  who: z.string().min(1).max(128),
  mode: attachMode,
  history: z.int().min(0).max(TERMINAL_HISTORY_MAX),
})
export type AttachRequest = z.infer<typeof attachRequest>

/** What an attached client says. */
export const terminalSaying = z.discriminatedUnion('t', [
  z.strictObject({ t: z.literal('input'), data: z.string().min(1).max(TERMINAL_INPUT_MAX) }),
  z.strictObject({ t: z.literal('resize'), ...terminalSize.shape }),
  /** Writes from now on. */
  z.strictObject({ t: z.literal('take') }),
  /** Nobody looks here now: no output until `resume`, which brings a new screen. */
  z.strictObject({ t: z.literal('pause') }),
  z.strictObject({ t: z.literal('resume') }),
  /** Leaves, and lets others write at once. */
  z.strictObject({ t: z.literal('bye') }),
])
export type TerminalSaying = z.infer<typeof terminalSaying>

const writer = z.looseObject({ who: z.string().max(128), since: z.number() })
export type TerminalWriter = z.infer<typeof writer>

export const terminalEvent = z.discriminatedUnion('t', [
  /** The first of an attachment. `you`: this client writes. */
  z.looseObject({ t: z.literal('hello'), you: z.boolean(), writer: writer.optional(), title: z.string().max(500).optional() }),
  /** Somebody else writes, or nobody. `taken`: from you. */
  z.looseObject({ t: z.literal('writer'), you: z.boolean(), writer: writer.optional(), taken: z.boolean().optional() }),
  /** Sayings up to this number have arrived. */
  z.looseObject({ t: z.literal('ack'), n: z.int().min(0) }),
  z.looseObject({
    t: z.literal('exit'),
    exitCode: z.int().optional(),
    signal: z.string().max(32).optional(),
    reason: z.string().max(1000).optional(),
  }),
  z.looseObject({
    t: z.literal('refused'),
    code: z.string().max(64),
    message: z.string().max(1000),
    cure: z.string().max(500).optional(),
  }),
  /** Its worker cannot be reached now; this node goes on asking. A screen follows when it is back. */
  z.looseObject({ t: z.literal('away'), reason: z.string().max(1000) }),
])
export type TerminalEvent = z.infer<typeof terminalEvent>

/**
 * `seq`: bytes of output before this. A screen holds everything up to there and is drawn on an empty terminal of its size; where `more` is
 * set, the next frame goes on with it. Output goes on where a screen or output ended: no gap, nothing twice.
 */
export type TerminalFrame =
  | { t: 'output'; seq: number; bytes: Uint8Array }
  | { t: 'screen'; seq: number; size: TerminalSize; more: boolean; bytes: Uint8Array }
  | { t: 'resize'; seq: number; size: TerminalSize }
  | { t: 'event'; event: TerminalEvent }

export function encodeTerminalFrame(frame: TerminalFrame): Uint8Array {
  return encodeFrame(frame)
}

/** Undefined for what is no frame of a terminal. */
export function decodeTerminalFrame(bytes: Uint8Array): TerminalFrame | undefined {
  const frame = decodeFrame(bytes)
  if (frame?.t !== 'event') return frame
  const event = terminalEvent.safeParse(frame.event).data
  return event === undefined ? undefined : { t: 'event', event }
}
