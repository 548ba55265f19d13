// How what a terminal says lies in bytes: one byte of kind, then a position in its output, then what the kind needs; events are JSON. No
// schema is needed here, so that a page can read frames without one.
import { TERMINAL_COLS_MAX, TERMINAL_ROWS_MAX } from '../limits.ts'

const KIND = { output: 1, screen: 2, resize: 3, event: 4 } as const
const POSITION_BYTES = 8
const HEAD_BYTES = 1 + POSITION_BYTES
const SIDE_MIN = 2

type Size = { cols: number; rows: number }
/** `event` is whatever JSON came: who reads it looks at it first. */
export type RawFrame =
  | { t: 'output'; seq: number; bytes: Uint8Array }
  | { t: 'screen'; seq: number; size: Size; more: boolean; bytes: Uint8Array }
  | { t: 'resize'; seq: number; size: Size }
  | { t: 'event'; event: unknown }

export function encodeFrame(frame: RawFrame): Uint8Array {
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
export function decodeFrame(bytes: Uint8Array): RawFrame | undefined {
  if (bytes[0] === KIND.event) return decodeEvent(bytes.subarray(1))
  if (bytes.length < HEAD_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const seq = Number(view.getBigUint64(1))
  if (bytes[0] === KIND.output) return { t: 'output', seq, bytes: bytes.subarray(HEAD_BYTES) }
  if (bytes.length < HEAD_BYTES + 4) return undefined
  const size = { cols: view.getUint16(HEAD_BYTES), rows: view.getUint16(HEAD_BYTES + 2) }
  if (size.cols < SIDE_MIN || size.cols > TERMINAL_COLS_MAX || size.rows < SIDE_MIN || size.rows > TERMINAL_ROWS_MAX) return undefined
  if (bytes[0] === KIND.resize) return { t: 'resize', seq, size }
  if (bytes[0] !== KIND.screen || bytes.length < HEAD_BYTES + 5) return undefined
  return { t: 'screen', seq, size, more: bytes[HEAD_BYTES + 4] === 1, bytes: bytes.subarray(HEAD_BYTES + 5) }
}

function decodeEvent(bytes: Uint8Array): RawFrame | undefined {
  try {
    return { t: 'event', event: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown }
  } catch {
    return undefined // not JSON: the caller treats it like any other frame that is none
  }
}
