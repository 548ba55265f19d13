// Every stored value carries a checksum: LevelDB returned wrong bytes without an error for 46 of 60 flipped bits.
import { crc32 } from 'node:zlib'

const VERSION = 1
const HEADER_BYTES = 9

/** version u8 | length u32be | crc32 u32be | payload */
export function frameValue(payload: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(HEADER_BYTES + payload.length)
  out.writeUInt8(VERSION, 0)
  out.writeUInt32BE(payload.length, 1)
  out.writeUInt32BE(crc32(payload), 5)
  out.set(payload, HEADER_BYTES)
  return out
}

/** The payload, or undefined where the frame or its checksum does not hold. */
export function unframeValue(framed: Uint8Array): Uint8Array | undefined {
  if (framed.length < HEADER_BYTES || framed[0] !== VERSION) return undefined
  const view = Buffer.from(framed.buffer, framed.byteOffset, framed.byteLength)
  const payload = framed.subarray(HEADER_BYTES)
  if (view.readUInt32BE(1) !== payload.length || view.readUInt32BE(5) !== crc32(payload)) return undefined
  return payload
}
