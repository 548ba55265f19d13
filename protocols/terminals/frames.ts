// What a terminal and those who are attached to it say to each other: the same bytes on the socket of its host, between nodes and on a
// WebSocket. A terminal sends frames: one byte of kind, then a position in its output, then what the kind needs; events are JSON.
import * as z from 'zod'
import { TERMINAL_COLS_MAX, TERMINAL_HISTORY_MAX, TERMINAL_INPUT_MAX, TERMINAL_PIECE_BYTES_MAX, TERMINAL_ROWS_MAX } from '../limits.ts'

const KIND = { output: 1, screen: 2, resize: 3, event: 4 } as const
const POSITION_BYTES = 8
const HEAD_BYTES = 1 + POSITION_BYTES
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
  if (frame.t === 'event') return joined(Uint8Array.of(KIND.event), new TextEncoder().encode(JSON.stringify(frame.event)))
  const head = new Uint8Array(HEAD_BYTES + (frame.t === 'output' ? 0 : frame.t === 'resize' ? 4 : 5))
  const view = new DataView(head.buffer)
  head[0] = KIND[frame.t]
  view.setBigUint64(1, BigInt(frame.seq))
  if (frame.t === 'output') return joined(head, frame.bytes)
  view.setUint16(HEAD_BYTES, frame.size.cols)
  view.setUint16(HEAD_BYTES + 2, frame.size.rows)
  if (frame.t === 'resize') return head
  head[HEAD_BYTES + 4] = frame.more ? 1 : 0
  return joined(head, frame.bytes)
}

function joined(head: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + body.length)
  bytes.set(head)
  bytes.set(body, head.length)
  return bytes
}

/** Undefined for what is no frame of a terminal. */
export function decodeTerminalFrame(bytes: Uint8Array): TerminalFrame | undefined {
  if (bytes[0] === KIND.event) return decodeEvent(bytes.subarray(1))
  if (bytes.length < HEAD_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const seq = Number(view.getBigUint64(1))
  if (bytes[0] === KIND.output) return { t: 'output', seq, bytes: bytes.subarray(HEAD_BYTES) }
  if (bytes.length < HEAD_BYTES + 4) return undefined
  const size = terminalSize.safeParse({ cols: view.getUint16(HEAD_BYTES), rows: view.getUint16(HEAD_BYTES + 2) }).data
  if (size === undefined) return undefined
  if (bytes[0] === KIND.resize) return { t: 'resize', seq, size }
  if (bytes[0] !== KIND.screen || bytes.length < HEAD_BYTES + 5) return undefined
  return { t: 'screen', seq, size, more: bytes[HEAD_BYTES + 4] === 1, bytes: bytes.subarray(HEAD_BYTES + 5) }
}

function decodeEvent(bytes: Uint8Array): TerminalFrame | undefined {
  try {
    const event = terminalEvent.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))).data
    return event === undefined ? undefined : { t: 'event', event }
  } catch {
    return undefined // not JSON: the caller treats it like any other frame that is none
  }
}
