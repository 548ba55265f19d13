// Tasks in the order of a number that each keeps for as long as it is here. Nearly all come with a higher number than the
// ones before and leave near the front: both cost next to nothing at a hundred thousand.
import type { TaskId } from '../../../protocols/ids.ts'

/** `order` says which task comes first, here and everywhere; `sinceMs` and `retryAtMs` are this node's own clock. */
export type Candidate = { task: TaskId; order: number; sinceMs: number; retryAtMs: number }

export type OrderedTasks = {
  add(candidate: Candidate): void
  remove(candidate: Candidate): void
  /** Lowest order first. */
  each(): Iterator<Candidate>
  size(): number
}

/** So many late ones are put in place one by one; more are sorted together. */
const INSERT_MAX = 8
/** So many wait unsorted before somebody who takes one out has to search them. */
const LATE_MAX = 64

export function createOrderedTasks(): OrderedTasks {
  let sorted: (Candidate | undefined)[] = []
  let start = 0
  let size = 0
  let late: Candidate[] = []

  const placeOf = (candidate: Candidate): number => {
    let low = start
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = nearest(middle, high)
      if (other < high && compare(sorted[other], candidate) < 0) low = other + 1
      else high = middle
    }
    return low
  }
  /** The first place from `at` on that is not empty. */
  const nearest = (at: number, end: number): number => {
    let place = at
    while (place < end && sorted[place] === undefined) place += 1
    return place
  }
  const compact = (): void => {
    sorted = sorted.filter((one) => one !== undefined)
    start = 0
  }
  const settle = (): void => {
    if (late.length === 0) return
    if (late.length <= INSERT_MAX) for (const one of late) sorted.splice(placeOf(one), 0, one)
    else {
      sorted = [...sorted.filter((one) => one !== undefined), ...late].sort(compare)
      start = 0
    }
    late = []
  }
  return {
    add(candidate) {
      size += 1
      const last = sorted.at(-1)
      if (late.length === 0 && (sorted.length === start || (last !== undefined && compare(last, candidate) <= 0))) sorted.push(candidate)
      else late.push(candidate)
    },
    remove(candidate) {
      if (late.length > LATE_MAX) settle()
      const at = late.indexOf(candidate)
      if (at >= 0) late.splice(at, 1)
      else {
        const place = nearest(placeOf(candidate), sorted.length)
        if (sorted[place] !== candidate) return
        sorted[place] = undefined
        while (start < sorted.length && sorted[start] === undefined) start += 1
        while (sorted.length > start && sorted.at(-1) === undefined) sorted.pop()
      }
      size -= 1
      if (sorted.length > 64 && size < sorted.length / 2) compact()
    },
    *each() {
      settle()
      for (let at = start; at < sorted.length; at++) {
        const one = sorted[at]
        if (one !== undefined) yield one
      }
    },
    size: () => size,
  }
}

/** The tasks of several lists in one order, each with the list that it is from. @param limit how many at most */
export function* inOrder<List extends { tasks: OrderedTasks }>(
  lists: readonly List[],
  limit: number,
): Generator<{ candidate: Candidate; from: List }> {
  const heads = lists.flatMap((from) => {
    const rest = from.tasks.each()
    const first = rest.next()
    return first.done === true ? [] : [{ candidate: first.value, rest, from }]
  })
  for (let looked = 0; looked < limit && heads.length > 0; looked++) {
    const at = heads.reduce((best, head, index) => (compare(head.candidate, heads[best]?.candidate) < 0 ? index : best), 0)
    const head = heads[at] as (typeof heads)[number]
    yield { candidate: head.candidate, from: head.from }
    const next = head.rest.next()
    if (next.done === true) heads.splice(at, 1)
    else head.candidate = next.value
  }
}

function compare(a: Candidate | undefined, b: Candidate | undefined): number {
  if (a === undefined || b === undefined) return 0
  return a.order - b.order || (a.task < b.task ? -1 : a.task > b.task ? 1 : 0)
}
