// Output of a terminal on its way to the person's own: without questions, which his terminal would answer by typing, without what reaches
// beyond the screen (clipboard, printer, windows), and without key protocols that would hide the key to leave. The rest passes unchanged.
import { createVtScanner, type Sequence } from '../../runner/terminal/vt-scan.ts'

/** A sequence that is longer is left out as a whole. */
const HELD_BYTES_MAX = 64 * 1024
/** Titles, and colours where they are set. */
const OSC_KEPT = /^(0|1|2|4|10|11|12|104|110|111|112)(;[^?]*)?$/s
/** Attributes, status, windows, parameters, printing; modes and versions by their marks. */
const CSI_LEFT_OUT = /^([?>=]?[\d;]*[cntxi]|.*\$p|.*"p|>.*q|[?><=].*u|[>?].*m|\?.*S|.*\*y)$/s

/** @returns what may be written for the bytes that came */
export function createTtyFilter(): (bytes: Uint8Array) => Uint8Array {
  let found: Sequence[] = []
  const scanner = createVtScanner((sequence) => found.push(sequence))
  let held: Uint8Array = new Uint8Array()
  let from = 0
  return (bytes) => {
    found = []
    scanner.feed(bytes)
    held = Buffer.concat([held, bytes])
    const out: Uint8Array[] = []
    let at = from
    for (const { kind, start, end } of found) {
      const text = Buffer.from(held.subarray(Math.max(0, start - from), end - from)).toString('latin1')
      if (start < from || !isKept(kind, text)) {
        if (start > at) out.push(held.subarray(at - from, start - from))
        at = end
      }
    }
    const until = scanner.isGround() ? from + held.length : Math.max(at, scanner.safe())
    if (until > at) out.push(held.subarray(at - from, until - from))
    held = held.subarray(until - from)
    from = until
    if (held.length > HELD_BYTES_MAX) {
      from += held.length
      held = new Uint8Array()
    }
    return Buffer.concat(out)
  }
}

function isKept(kind: Sequence['kind'], text: string): boolean {
  const inner = text.replace(/^(\x1b[[\]]|\xc2?[\x9b\x9d])/, '')
  if (kind === 'csi') return !CSI_LEFT_OUT.test(inner)
  if (kind === 'osc') return OSC_KEPT.test(inner.replace(/(\x07|\x1b\\?|\xc2?\x9c)$/, ''))
  return kind === 'escape' && !text.endsWith('Z')
}
