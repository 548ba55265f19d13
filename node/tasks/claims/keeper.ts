// A seat of the keeper group: what it promised and accepted for each register, which leases it has heard of, which
// terms it has ended. It answers only what is on disk, and only requests of its own version of the group.
import type { PeerId, RegisterKey, Term } from '../../../protocols/ids.ts'
import { isNameKey, lifeOf } from '../../../protocols/ids.ts'
import { NAME_BATCH_MAX, NAMES_MAX, TERMS_MAX } from '../../../protocols/limits.ts'
import type { RegisterValue } from '../../../protocols/records.ts'
import type { AcceptItem, Ballot, KeeperAnswer, PrepareItem } from '../../../protocols/streams.ts'
import type { Clock } from '../../kernel/clock.ts'
import { remembered } from '../../kernel/batching.ts'
import type { Write } from '../../store/database.ts'
import { ENDED_TERMS } from '../../store/namespaces.ts'
import { compareBallots, isAbove, NO_BALLOT } from './ballots.ts'
import { expiryMs } from './lease-times.ts'
import type { Register, StoredRegisters } from './registers/register-book.ts'
import { createRegisterBook } from './registers/register-book.ts'

export type KeeperComponents = {
  clock: Pick<Clock, 'nowMs'>
  persist(writes: readonly Write[], done: () => void): void
  /** The task's preferred node, or undefined while the signed task (the record of `by`, where it is given) has not arrived. */
  taskOf(id: RegisterKey, by?: PeerId): { preferred: PeerId | undefined } | undefined
  /** The last value of a task, where this node's log holds it. */
  settledOf(id: RegisterKey): RegisterValue | undefined
}

export type Keeper = {
  prepare(items: readonly PrepareItem[], answer: (items: KeeperAnswer[]) => void): void
  accept(items: readonly AcceptItem[], answer: (items: KeeperAnswer[]) => void): void
  /** A renewal of (node, term); false where this seat has ended that term. Nothing is written: a restart counts all as just renewed. */
  renew(node: PeerId, term: Term): boolean
  /** Ends (node, term) if its lease is over by this seat's clock, or `proven` says that the node itself said so. */
  end(node: PeerId, term: Term, proven: boolean, answer: (ok: boolean, remainingMs?: number) => void): void
  /** How long until this seat may end the term by its own clock; 0 or less: now. */
  remainingMs(node: PeerId, term: Term): number
  /** Counts leases anew: this node has just become a voting seat, or has read what other seats knew. */
  seated(): void
  /** The next ones in the order of their keys, as many as fit in a message. */
  registers(after: string, limit: number): { task: RegisterKey; register: Register }[]
  endedTerms(): [PeerId, Term][]
  /**
   * The log has brought the last values of these tasks: their registers go. What was written before stays before, so that a crash
   * never takes the log and leaves the register forgotten.
   */
  settled(tasks: readonly RegisterKey[]): void
  /** Takes what a majority of the old seats knew; the higher ballot wins. */
  adopt(registers: readonly { task: RegisterKey; register: Register }[], terms: readonly [PeerId, Term][], done: () => void): void
}

const UNTOUCHED: Register = { promised: NO_BALLOT }

/** Terms of one node whose renewals a seat remembers; an older one counts from when it is asked for again. */
const RENEWALS_MAX = 2 * TERMS_MAX

export function createKeeper(components: KeeperComponents, stored: StoredRegisters & { ended: Set<string> }): Keeper {
  const { clock, persist } = components
  const { ended } = stored
  const registers = createRegisterBook(stored)
  /**
   * Ended by this seat's own clock or by the node's own word since it votes. What it only adopted or read from disk it refuses to
   * renew, but calls it ended no sooner than its own clock does: an old seat's minority verdict is no proof of an expired lease.
   */
  const judged = new Set<string>()
  const renewals = new Map<PeerId, { term: Term; atMs: number }[]>()
  let seatedAtMs = clock.nowMs()

  const isIn = (terms: ReadonlySet<string>, node: PeerId, term: Term): boolean =>
    terms.has(`${node}/${term}`) || terms.has(`${node}/${lifeOf(term)}`)
  const answerAll = <Item extends { task: RegisterKey; value?: RegisterValue }>(
    items: readonly Item[],
    one: (item: Item, register: Register) => KeeperAnswer | Register,
    answer: (items: KeeperAnswer[]) => void,
  ): void => {
    const changed: [RegisterKey, Register][] = []
    const answers = items.map((item): KeeperAnswer => {
      const { task } = item
      const register = registers.get(task)
      // A name needs nothing signed, so it is the number of names that is bounded.
      if (isNameKey(task)) {
        if (register === undefined && registers.names() >= NAMES_MAX) return { task, ok: false, full: true }
      } else {
        const settled = components.settledOf(task)
        if (settled !== undefined) return { task, ok: false, settled }
        if (components.taskOf(task, item.value?.record) === undefined) return { task, ok: false, unknown: true }
      }
      const result = one(item, register ?? UNTOUCHED)
      if ('ok' in result) return result
      changed.push([task, result])
      const accepted = item.value === undefined ? register?.accepted : undefined
      return { task, ok: true, ...(accepted === undefined ? {} : { accepted }) }
    })
    if (changed.length === 0) answer(answers)
    else persist(registers.put(changed), () => answer(answers))
  }
  const remember = (node: PeerId, renewal: { term: Term; atMs: number }): void => {
    const others = (renewals.get(node) ?? []).filter((one) => one.term !== renewal.term)
    renewals.set(node, [...others.slice(1 - RENEWALS_MAX), renewal])
  }
  const remainingMs = (node: PeerId, term: Term): number => {
    // A whole life ends by its node's own word only; its terms run out one by one.
    if (term === lifeOf(term)) return Infinity
    let renewal = renewals.get(node)?.find((one) => one.term === term)
    if (renewal === undefined) {
      // A term of which this seat has heard nothing yet: its renewal may be on the way.
      renewal = { term, atMs: clock.nowMs() }
      remember(node, renewal)
    }
    return Math.max(renewal.atMs, seatedAtMs) + expiryMs(term) - clock.nowMs()
  }

  return {
    prepare(items, answer) {
      const next = remembered((register: Register, ballot: Ballot): Register => ({ ...register, promised: ballot }))
      answerAll(
        items,
        ({ task, ballot }, register) => {
          if (ballot[0] >= 1 && isAbove(ballot, register.promised)) return next(register, ballot)
          const accepted = register.accepted === undefined ? {} : { accepted: register.accepted }
          return { task, ok: false, promised: register.promised, ...accepted }
        },
        answer,
      )
    },
    accept(items, answer) {
      // The same node's next round is promised along: a proposer that repeats needs no prepare.
      const next = remembered(
        (value: RegisterValue, ballot: Ballot): Register => ({ promised: [ballot[0] + 1, ballot[1]], accepted: { ballot, value } }),
      )
      answerAll(
        items,
        ({ task, ballot, value }, register) => {
          const mayUseZero =
            ballot[0] > 0 || (ballot[1] === components.taskOf(task)?.preferred && compareBallots(register.promised, NO_BALLOT) === 0)
          return mayUseZero && !isAbove(register.promised, ballot) ? next(value, ballot) : { task, ok: false, promised: register.promised }
        },
        answer,
      )
    },
    renew(node, term) {
      if (isIn(ended, node, term)) return false
      remember(node, { term, atMs: clock.nowMs() })
      return true
    },
    end(node, term, proven, answer) {
      const key = `${node}/${term}`
      const remaining = remainingMs(node, term)
      if (!proven && !isIn(judged, node, term) && remaining > 0) return answer(false, remaining === Infinity ? undefined : remaining)
      judged.add(key)
      ended.add(key)
      persist([{ put: ENDED_TERMS + key, value: new Uint8Array(0) }], () => answer(true))
    },
    remainingMs: (node, term) => (isIn(judged, node, term) ? 0 : remainingMs(node, term)),
    seated() {
      seatedAtMs = clock.nowMs()
      judged.clear()
    },
    registers(after, limit) {
      const page: { task: RegisterKey; register: Register }[] = []
      const keys = [...registers.keys()].filter((task) => task > after).sort()
      let names = 0
      for (const task of keys) {
        const register = registers.get(task)
        if (register === undefined) continue
        if (isNameKey(task)) names += 1
        if (page.length === limit || names > NAME_BATCH_MAX) break
        page.push({ task, register })
      }
      return page
    },
    endedTerms: () => [...ended].map((key) => key.split('/') as [PeerId, Term]),
    settled(tasks) {
      const writes = registers.drop(tasks)
      if (writes.length > 0) persist(writes, () => {})
    },
    adopt(incoming, terms, done) {
      const changed: [RegisterKey, Register][] = []
      for (const { task, register } of incoming) {
        const merged = higher(registers.get(task), register)
        if (merged !== registers.get(task) && components.settledOf(task) === undefined) changed.push([task, merged])
      }
      const writes: Write[] = changed.length === 0 ? [] : registers.put(changed)
      for (const [node, term] of terms) {
        const key = `${node}/${term}`
        if (ended.has(key)) continue
        ended.add(key)
        writes.push({ put: ENDED_TERMS + key, value: new Uint8Array(0) })
      }
      if (writes.length === 0) done()
      else persist(writes, done)
    },
  }
}

function higher(mine: Register | undefined, theirs: Register): Register {
  if (mine === undefined) return theirs
  const promised = isAbove(theirs.promised, mine.promised) ? theirs.promised : mine.promised
  const accepted =
    theirs.accepted !== undefined && (mine.accepted === undefined || isAbove(theirs.accepted.ballot, mine.accepted.ballot))
      ? theirs.accepted
      : mine.accepted
  if (promised === mine.promised && accepted === mine.accepted) return mine
  return { promised, ...(accepted === undefined ? {} : { accepted }) }
}
