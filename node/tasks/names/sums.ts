// The pure changes of counters and rates. Each remembers the last operation of every node, so that a proposal that was repeated
// because its answer was lost counts once.
import type { PeerId } from '../../../protocols/ids.ts'
import { NAME_WRITERS_MAX } from '../../../protocols/limits.ts'
import type { NameState, RegisterValue } from '../../../protocols/records.ts'
import type { Decide } from '../claims/proposer.ts'

/** One operation of one process of a node: its number grows. */
export type Operation = readonly [node: PeerId, epoch: number, number: number]
export type Rate = { limit: number; perMs: number }

/** A window is told in so many pieces; a start counts until the end of its piece has left the window. */
const PIECES = 64

/** Adds to a counter. Refuses with `done` where this operation has counted already, or `overflow`. */
export function addToSum(delta: number, operation: Operation): Decide {
  return (current) => {
    const sum = (current.name?.sum ?? 0) + delta
    if (isDone(current, operation)) return { refused: 'done' }
    return Number.isSafeInteger(sum) ? withName(current, { sum }, operation) : { refused: 'overflow' }
  }
}

/** Counts a start. Refuses with `done` or, where the window is full, `full`. */
export function countStart(rate: Rate, wallMs: number, operation: Operation): Decide {
  return (current) => {
    if (isDone(current, operation)) return { refused: 'done' }
    if (nextStartMs(current, rate, wallMs) > wallMs) return { refused: 'full' }
    const windowMs = Math.max(current.name?.windowMs ?? 0, rate.perMs)
    const starts = inPieces([...startsOf(current), [wallMs, 1]], windowMs).filter(([atMs]) => atMs + windowMs > wallMs)
    return withName(current, { windowMs, starts }, operation)
  }
}

/** Takes a start back that did not happen: the one counted at `startedMs`. */
export function uncountStart(startedMs: number, operation: Operation): Decide {
  return (current) => {
    if (isDone(current, operation)) return { refused: 'done' }
    const starts = startsOf(current)
    const at = starts.findIndex(([atMs]) => atMs >= startedMs)
    if (at < 0) return { refused: 'gone' }
    return withName(
      current,
      { starts: starts.flatMap(([atMs, n], i) => (i !== at ? [[atMs, n] as const] : n > 1 ? [[atMs, n - 1] as const] : [])) },
      operation,
    )
  }
}

/** From when on one more start fits: at most `limit` in any `perMs` that ends then. */
export function nextStartMs(value: RegisterValue | undefined, { limit, perMs }: Rate, wallMs: number): number {
  const recent = startsOf(value).filter(([atMs]) => atMs + perMs > wallMs)
  let count = recent.reduce((sum, [, n]) => sum + n, 0)
  for (const [atMs, n] of recent) {
    if (count < limit) return wallMs
    count -= n
    if (count < limit) return atMs + perMs
  }
  return wallMs
}

function startsOf(value: RegisterValue | undefined): readonly (readonly [number, number])[] {
  return value?.name?.starts ?? []
}

/** Sorted, and each moved to the end of its piece: later than it was, so that no window ever holds more than the limit. */
function inPieces(starts: readonly (readonly [number, number])[], windowMs: number): (readonly [number, number])[] {
  const pieceMs = Math.max(1, Math.floor(windowMs / PIECES))
  const pieces = new Map<number, number>()
  for (const [atMs, n] of starts) {
    const endMs = Math.ceil(atMs / pieceMs) * pieceMs
    pieces.set(endMs, (pieces.get(endMs) ?? 0) + n)
  }
  return [...pieces].sort(([a], [b]) => a - b)
}

export function isDone(value: RegisterValue, [node, epoch, number]: Operation): boolean {
  return value.name?.last?.some(([one, itsEpoch, itsNumber]) => one === node && itsEpoch === epoch && itsNumber >= number) === true
}

/** The value with this change, made by this operation. */
export function withName(
  value: RegisterValue,
  change: Omit<Partial<NameState>, 'starts' | 'last'> & { starts?: (readonly [number, number])[] },
  operation: Operation,
): RegisterValue {
  const others = (value.name?.last ?? []).filter(([node]) => node !== operation[0])
  const last = [...others, [...operation]].slice(-NAME_WRITERS_MAX)
  return { ...value, version: value.version + 1, name: { ...value.name, ...change, last } as NameState }
}
