// Takes secrets out of output before it is written anywhere. A secret may be cut over several reads: what could be the beginning of
// one is held back until more comes, and nothing else is.

export type Mask = {
  take(bytes: Uint8Array): Uint8Array
  /** What is still held back; at the end of the output. */
  rest(): Uint8Array
}

const STARS = Buffer.from('***')
/** Shorter ones would take ordinary words out of the output. */
const LENGTH_MIN = 4

export function createMask(secrets: readonly string[]): Mask {
  const needles = [...new Set(secrets)]
    .map((secret) => Buffer.from(secret))
    .filter((needle) => needle.length >= LENGTH_MIN)
    .toSorted((a, b) => b.length - a.length)
  let held: Buffer = Buffer.alloc(0)

  const without = (bytes: Buffer): Buffer => {
    const parts: Buffer[] = []
    for (let from = 0; ; ) {
      const hit = firstHit(bytes, needles, from)
      if (hit === undefined) {
        parts.push(bytes.subarray(from))
        return Buffer.concat(parts)
      }
      parts.push(bytes.subarray(from, hit.at), STARS)
      from = hit.at + hit.length
    }
  }
  return {
    take(bytes) {
      if (needles.length === 0) return bytes
      const all = without(Buffer.concat([held, bytes]))
      const keep = openEnd(all, needles)
      held = Buffer.from(all.subarray(all.length - keep))
      return all.subarray(0, all.length - keep)
    },
    rest() {
      const rest = held
      held = Buffer.alloc(0)
      return rest
    },
  }
}

/** The first place of any secret, the longest of those that begin there. */
function firstHit(bytes: Buffer, needles: readonly Buffer[], from: number): { at: number; length: number } | undefined {
  let best: { at: number; length: number } | undefined
  for (const needle of needles) {
    const at = bytes.indexOf(needle, from)
    if (at >= 0 && (best === undefined || at < best.at)) best = { at, length: needle.length }
  }
  return best
}

/** How many bytes at the end could be the beginning of a secret. */
function openEnd(bytes: Buffer, needles: readonly Buffer[]): number {
  let longest = 0
  for (const needle of needles) {
    for (let length = Math.min(needle.length - 1, bytes.length); length > longest; length--) {
      if (bytes.subarray(bytes.length - length).equals(needle.subarray(0, length))) longest = length
    }
  }
  return longest
}
