// What a task passes before it is claimed: a place in each of its concurrency keys and a start in each of its rates. All or
// nothing, in the order of the keys, so that two tasks never wait for each other; what was taken for nothing is given back.
import type { NameKey, PeerId, TaskId, Term } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Change, Decide, Proposer } from '../claims/proposer.ts'
import type { TaskState } from '../fold/fold.ts'
import type { Names } from './names.ts'
import type { Facts, Place } from './places.ts'
import { isOver, placesOf } from './places.ts'
import { countStart, nextStartMs, uncountStart } from './sums.ts'

export type GatesComponents = {
  self: PeerId
  clock: Clock
  names: Names
  facts: Facts
  proposer: Pick<Proposer, 'change'>
  isCurrent(term: Term): boolean
}

/** Why a task waits at a gate. `atMs`: when a rate lets the next one start, milliseconds since 1970. */
export type Closed =
  | { gate: 'concurrency'; key: string; limit: number; places: Place[] }
  | { gate: 'rate'; key: string; limit: number; perMs: number; atMs: number }

export type Gates = {
  /** From when on a claim is worth trying, by the monotonic clock; Infinity while only a change of a name can help. */
  openAtMs(spec: TaskSpec): number
  closed(spec: TaskSpec): Closed | undefined
  /**
   * Claims a task: takes all that it needs first, and refuses as `gate` where something is full. With places taken it goes on
   * until the outcome of the claim is known: until then they cannot be given back.
   */
  claim(task: TaskId, decide: Decide, term: Term, deadlineMs: number): Promise<Change>
  /** The register of a task changed: a run that is over gives its places back. */
  note(state: TaskState): void
}
type Entered = { epoch: number; term: Term; places: NameKey[]; starts: { key: NameKey; atMs: number }[] }

/** Who held a place gives it back itself; others remove it after this. */
const GIVE_GRACE_MS = 100
const COUNT_MS = 2_000

export function createGates({ self, clock, names, facts, proposer, isCurrent }: GatesComponents): Gates {
  const entered = new Map<TaskId, Entered>()
  /** Claims under way, so that one look does not send ten tasks to one place. */
  const trying = new Map<NameKey, number>()
  /** When this node first saw that a place can be removed from a full name. */
  const overSince = new Map<NameKey, { version: number; atMs: number }>()

  const limitsOf = (spec: TaskSpec) => (spec.concurrency ?? []).map(({ key, limit }) => ({ name: `@limit/${key}` as NameKey, key, limit }))
  const ratesOf = (spec: TaskSpec) =>
    (spec.rate ?? []).map(({ key, limit, perMs }) => ({ name: `@rate/${key}` as NameKey, key, rate: { limit, perMs } }))
  const keysOf = (spec: TaskSpec): NameKey[] => [...limitsOf(spec), ...ratesOf(spec)].map(({ name }) => name).sort()

  const placeAtMs = (name: NameKey, limit: number): number => {
    const value = names.newest(name)
    const held = placesOf(value)
    const kept = held.filter((place) => !isOver(place, facts)).length
    if (kept + (trying.get(name) ?? 0) >= limit) return Infinity
    if (held.length < limit || value === undefined) return names.newestSinceMs(name)
    const seen = overSince.get(name)
    if (seen?.version === value.version) return seen.atMs
    overSince.set(name, { version: value.version, atMs: clock.nowMs() + GIVE_GRACE_MS })
    return clock.nowMs() + GIVE_GRACE_MS
  }
  const startAtMs = (name: NameKey, rate: { limit: number; perMs: number }): number => {
    const wallMs = clock.wallMs()
    const waiting = trying.get(name) ?? 0
    if (waiting >= rate.limit) return Infinity
    const atMs = nextStartMs(names.newest(name), { ...rate, limit: rate.limit - waiting }, wallMs)
    return atMs <= wallMs ? names.newestSinceMs(name) : clock.nowMs() + atMs - wallMs
  }
  const add = (keys: readonly NameKey[], by: number): void => {
    for (const key of keys) {
      const count = (trying.get(key) ?? 0) + by
      if (count > 0) trying.set(key, count)
      else trying.delete(key)
    }
  }
  const giveBack = (task: TaskId, { places, starts, term }: Entered): void => {
    for (const key of places.splice(0)) void names.give(key, { what: task, term })
    for (const { key, atMs } of starts.splice(0)) void names.operate(key, (operation) => uncountStart(atMs, operation), COUNT_MS)
  }
  const leave = (task: TaskId): void => {
    const own = entered.get(task)
    entered.delete(task)
    if (own !== undefined) giveBack(task, own)
  }
  const enter = async (task: TaskId, spec: TaskSpec, epoch: number, term: Term): Promise<boolean> => {
    const keys = keysOf(spec)
    const before = entered.get(task)
    if (before?.epoch === epoch && before.term === term) return true
    leave(task)
    const own: Entered = { epoch, term, places: [], starts: [] }
    entered.set(task, own)
    add(keys, 1)
    const pass = async (key: NameKey): Promise<boolean> => {
      const limit = limitsOf(spec).find(({ name }) => name === key)?.limit
      if (limit !== undefined) {
        const isTaken = 'taken' in (await names.take(key, { what: task, term, epoch, limit }))
        if (isTaken) own.places.push(key)
        return isTaken
      }
      const rate = ratesOf(spec).find(({ name }) => name === key)?.rate
      if (rate === undefined) return true
      const wallMs = clock.wallMs()
      const counted = await names.operate(key, (operation) => countStart(rate, wallMs, operation), COUNT_MS)
      const passed = 'changed' in counted || ('refused' in counted && counted.refused === 'done')
      if (passed) own.starts.push({ key, atMs: wallMs })
      return passed
    }
    let passed = true
    for (const key of keys) if (passed) passed = await pass(key)
    add(keys, -1)
    // The task may have moved on meanwhile: what it had by then is given back already, the rest is now.
    if (passed && entered.get(task) === own) return true
    if (entered.get(task) === own) entered.delete(task)
    giveBack(task, own)
    return false
  }

  return {
    openAtMs(spec) {
      const limits = limitsOf(spec).map(({ name, limit }) => placeAtMs(name, limit))
      return Math.max(0, ...limits, ...ratesOf(spec).map(({ name, rate }) => startAtMs(name, rate)))
    },
    closed(spec) {
      for (const { name, key, limit } of limitsOf(spec)) {
        const places = names.places(name)
        if (places.length >= limit) return { gate: 'concurrency', key, limit, places }
      }
      const wallMs = clock.wallMs()
      for (const { name, key, rate } of ratesOf(spec)) {
        const atMs = nextStartMs(names.newest(name), rate, wallMs)
        if (atMs > wallMs) return { gate: 'rate', key, ...rate, atMs }
      }
      return undefined
    },
    async claim(task, decide, term, deadlineMs) {
      const state = facts.task(task)
      const spec = state?.task?.spec
      if (state === undefined || spec === undefined || keysOf(spec).length === 0) return proposer.change(task, decide, deadlineMs)
      const { epoch } = state.value
      if (!(await enter(task, spec, epoch + 1, term))) return { refused: 'gate', current: state.value }
      const decideHere: Decide = (current) => {
        const isOwn = current.state === 'held' && current.holder === self && current.term === term && current.epoch === epoch + 1
        return isOwn || (current.epoch === epoch && isCurrent(term)) ? decide(current) : { refused: 'moved' }
      }
      for (;;) {
        const change = await proposer.change(task, decideHere, deadlineMs)
        if ('changed' in change || ('refused' in change && change.refused === 'mine')) return change
        if ('unreachable' in change && !facts.termEnded(self, term)) continue
        leave(task)
        return change
      }
    },
    note(state) {
      const own = entered.get(state.id)
      if (own === undefined) return
      if (!isOver({ node: self, term: own.term, what: state.id, epoch: own.epoch, sinceMs: 0 }, facts)) return
      // Where it ran, its start stays counted.
      if (state.attempts.some(({ epoch, holder }) => epoch === own.epoch && holder === self)) own.starts.length = 0
      leave(state.id)
    },
  }
}
