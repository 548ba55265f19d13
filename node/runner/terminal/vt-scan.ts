// Follows a stream of terminal output far enough to know where a sequence begins and ends, and up to where an emulator that was given the
// bytes could be copied: never in the middle of a character or sequence, and not between a character and what may still join it.

/** Bytes `start` to `end` (counted from the beginning of the stream) are one sequence, or a control that asks for an answer. */
export type Sequence = { kind: 'csi' | 'osc' | 'dcs' | 'string' | 'escape' | 'enquiry'; start: number; end: number }

export type VtScanner = {
  feed(bytes: Uint8Array): void
  /** An emulator that got the bytes before this one, and no more, can be copied. */
  safe(): number
  /** Between two sequences, a character that may still be joined left aside. */
  isGround(): boolean
}

type State = 'ground' | 'escape' | 'intermediate' | 'csi' | 'osc' | 'dcs' | 'string' | 'string-end'

const [BEL, ENQ, CAN, SUB, ESC] = [0x07, 0x05, 0x18, 0x1a, 0x1b]
const STRING_END = 0x9c
const C1_OPENS: Record<number, State> = { 0x90: 'dcs', 0x98: 'string', 0x9b: 'csi', 0x9d: 'osc', 0x9e: 'string', 0x9f: 'string' }
const ESCAPE_OPENS: Record<number, State> = { 0x5b: 'csi', 0x5d: 'osc', 0x50: 'dcs', 0x58: 'string', 0x5e: 'string', 0x5f: 'string' }
/** From here on characters may join the one before them. */
const FIRST_JOINING = 0x300
const JOINING = /[\p{M}\p{Cf}]/u

export function createVtScanner(onSequence: (sequence: Sequence) => void = () => {}): VtScanner {
  let state: State = 'ground'
  let kind: Sequence['kind'] = 'escape'
  let start = 0
  /** Where the ESC stands that may end a string. */
  let escapeAt = 0
  let at = 0
  let safe = 0
  let code = 0
  let left = 0
  let characterAt = 0

  const complete = (end: number): void => {
    state = 'ground'
    safe = end
    onSequence({ kind, start, end })
  }
  const open = (next: State, from: number): void => {
    state = next
    kind = next === 'csi' || next === 'osc' || next === 'dcs' || next === 'string' ? next : 'escape'
    start = from
  }
  const inGround = (from: number, to: number): void => {
    if (code < 0x20 || code === 0x7f) {
      safe = to
      if (code === ENQ) onSequence({ kind: 'enquiry', start: from, end: to })
    } else if (code < FIRST_JOINING || !JOINING.test(String.fromCodePoint(code))) safe = from
  }
  const inEscape = (to: number): void => {
    if (code < 0x20) return
    const opened = state === 'escape' ? ESCAPE_OPENS[code] : undefined
    if (opened !== undefined) open(opened, start)
    else if (code < 0x30) state = 'intermediate'
    else complete(to)
  }
  const isC1 = (): boolean => code >= 0x80 && code < 0xa0
  /** What means the same everywhere. */
  const anywhere = (from: number, to: number): boolean => {
    if (code === ESC) {
      if (state === 'osc' || state === 'dcs' || state === 'string') {
        state = 'string-end'
        escapeAt = from
      } else {
        if (state === 'ground') safe = from
        open('escape', from)
      }
      return true
    }
    if (state !== 'ground' && (code === CAN || code === SUB || code === STRING_END)) complete(to)
    else if (isC1()) {
      const opened = C1_OPENS[code]
      if (state === 'ground') safe = opened === undefined ? to : from
      if (opened === undefined) state = 'ground'
      else open(opened, from)
    } else return false
    return true
  }
  const onCharacter = (from: number, to: number): void => {
    if (state === 'string-end') {
      if (code === 0x5c) return complete(to)
      onSequence({ kind, start, end: escapeAt })
      open('escape', escapeAt)
    }
    if (anywhere(from, to)) return
    if (state === 'ground') return inGround(from, to)
    if (state === 'escape' || state === 'intermediate') return inEscape(to)
    if (state === 'csi' && code >= 0x40 && code !== 0x7f) complete(to)
    else if (state === 'osc' && code === BEL) complete(to)
  }
  const byte = (value: number): void => {
    if (left > 0) {
      if ((value & 0xc0) === 0x80) {
        code = (code << 6) | (value & 0x3f)
        if (--left === 0) onCharacter(characterAt, at + 1)
        return
      }
      left = 0 // cut short: what follows is a character of its own
    }
    if (value < 0x80) {
      code = value
      return onCharacter(at, at + 1)
    }
    left = value < 0xc2 ? 0 : value < 0xe0 ? 1 : value < 0xf0 ? 2 : value < 0xf5 ? 3 : 0
    code = value & (left === 1 ? 0x1f : left === 2 ? 0x0f : 0x07)
    characterAt = at
  }
  return {
    feed(bytes) {
      for (const value of bytes) {
        byte(value)
        at++
      }
    },
    safe: () => safe,
    isGround: () => state === 'ground' && left === 0,
  }
}
