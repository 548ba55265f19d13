// The lines that git speaks over a connection: four hex digits of length, then the line; `0000` ends a section. Nothing is kept for
// a line before its length was checked.
import { NimbusError } from '../../kernel/errors.ts'

/** git's own limit of a line, with its length. */
const LINE_BYTES_MAX = 65_520
const HEAD_BYTES = 4
export const FLUSH = Buffer.from('0000')

/** Bytes as they come from the other side. */
export type Source = { read(): Promise<Uint8Array | undefined> }

export type PktReader = {
  /** The next line; `flush` at the end of a section; undefined where nothing comes any more. */
  line(): Promise<Buffer | 'flush' | undefined>
  /** What follows the lines, as it comes. */
  rest(): Promise<Uint8Array | undefined>
}

export function pktReader(source: Source): PktReader {
  let kept: Buffer = Buffer.alloc(0)
  const take = async (length: number): Promise<Buffer | undefined> => {
    while (kept.length < length) {
      const piece = await source.read()
      if (piece === undefined) return undefined
      kept = kept.length === 0 ? Buffer.from(piece.buffer, piece.byteOffset, piece.length) : Buffer.concat([kept, piece])
    }
    const taken = kept.subarray(0, length)
    kept = kept.subarray(length)
    return taken
  }
  return {
    async line() {
      const head = await take(HEAD_BYTES)
      if (head === undefined) return undefined
      const digits = head.toString('latin1')
      const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : Number.NaN
      if (length === 0) return 'flush'
      if (!(length > HEAD_BYTES && length <= LINE_BYTES_MAX))
        throw new NimbusError('git-protocol', `A line of the git protocol begins with ${JSON.stringify(digits)}.`, { kind: 'usage' })
      return await take(length - HEAD_BYTES)
    },
    async rest() {
      if (kept.length === 0) return source.read()
      const piece = kept
      kept = Buffer.alloc(0)
      return piece
    },
  }
}

export function pktLine(text: string | Uint8Array): Buffer {
  const body = Buffer.from(text as string)
  return Buffer.concat([Buffer.from((body.length + HEAD_BYTES).toString(16).padStart(4, '0')), body])
}

const BAND = { data: 1, progress: 2 } as const
/** One band's share of a line. */
const BAND_BYTES_MAX = LINE_BYTES_MAX - HEAD_BYTES - 1

/** Bytes on a side band: the answer itself, or words for the person. */
export function sideBand(band: keyof typeof BAND, bytes: Uint8Array): Buffer {
  const lines: Buffer[] = []
  for (let at = 0; at < bytes.length; at += BAND_BYTES_MAX)
    lines.push(pktLine(Buffer.concat([Uint8Array.of(BAND[band]), bytes.subarray(at, at + BAND_BYTES_MAX)])))
  return Buffer.concat(lines)
}
