// A seat of the keeper group: what it promised and accepted for each register, which leases it has heard of, which
// terms it has ended. It answers only what is on disk, and only requests of its own version of the group.
import { decode, encode } from '@ipld/dag-cbor'
import type { PeerId, RegisterKey, Term } from '../../../protocols/ids.ts'
import { isNameKey, lifeOf } from '../../../protocols/ids.ts'
import { NAME_BATCH_MAX, NAMES_MAX, TERMS_MAX } from '../../../protocols/limits.ts'
import type { RegisterValue } from '../../../protocols/records.ts'
import type { AcceptItem, Ballot, KeeperAnswer, PrepareItem } from '../../../protocols/streams.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Write } from '../../store/database.ts'
import { ENDED_TERMS, REGISTERS } from '../../store/namespaces.ts'
import { compareBallots, isAbove, NO_BALLOT } from './ballots.ts'
import { expiryMs } from './lease-times.ts'

export type Register = { promised: Ballot; accepted?: { ballot: Ballot; value: RegisterValue } }

export type KeeperComponents = {
  clock: Pick<Clock, 'nowMs'>
  persist(writes: readonly Write[], done: () => void): void
  /** The task's preferred node, or undefined while the signed task (the record of `by`, where it is given) has not arrived. */
  taskOf(id: RegisterKey, by?: PeerId): { preferred: PeerId | undefined } | undefined
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
  /** Takes what a majority of the old seats knew; the higher ballot wins. */
  adopt(registers: readonly { task: RegisterKey; register: Register }[], terms: readonly [PeerId, Term][], done: () => void): void
}

/** Terms of one node whose renewals a seat remembers; an older one counts from when it is asked for again. */
const RENEWALS_MAX = 2 * TERMS_MAX

export function createKeeper(components: KeeperComponents, stored: { registers: Map<RegisterKey, Register>; ended: Set<string> }): Keeper {
  const { clock, persist } = components
  const { registers, ended } = stored
  /**
   * Ended by this seat's own clock or by the node's own word since it votes. What it only adopted or read from disk it refuses to
   * renew, but calls it ended no sooner than its own clock does: an old seat's minority verdict is no proof of an expired lease.
   */
  const judged = new Set<string>()
  const renewals = new Map<PeerId, { term: Term; atMs: number }[]>()
  let seatedAtMs = clock.nowMs()

  const isIn = (terms: ReadonlySet<string>, node: PeerId, term: Term): boolean =>
    terms.has(`${node}/${term}`) || terms.has(`${node}/${lifeOf(term)}`)
  let names = [...registers.keys()].filter(isNameKey).length
  const write = (task: RegisterKey, register: Register): Write => {
    if (isNameKey(task) && !registers.has(task)) names += 1
    registers.set(task, register)
    return { put: REGISTERS + task, value: encode(register) }
  }
  const answerAll = <Item extends { task: RegisterKey; value?: RegisterValue }>(
    items: readonly Item[],
    one: (item: Item, register: Register) => { answer: KeeperAnswer; write?: Write },
    answer: (items: KeeperAnswer[]) => void,
  ): void => {
    const results = items.map((item) => {
      const register = registers.get(item.task)
      // A name needs nothing signed, so it is the number of names that is bounded.
      if (isNameKey(item.task)) {
        if (register === undefined && names >= NAMES_MAX) return { answer: { task: item.task, ok: false, full: true } }
      } else if (components.taskOf(item.task, item.value?.record) === undefined)
        return { answer: { task: item.task, ok: false, unknown: true } }
      return one(item, register ?? { promised: NO_BALLOT })
    })
    const writes = results.flatMap((result) => ('write' in result && result.write !== undefined ? [result.write] : []))
    const answers = results.map((result) => result.answer)
    if (writes.length === 0) answer(answers)
    else persist(writes, () => answer(answers))
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
    prepare: (items, answer) =>
      answerAll(
        items,
        (item, register) => {
          const accepted = register.accepted === undefined ? {} : { accepted: register.accepted }
          if (item.ballot[0] < 1 || !isAbove(item.ballot, register.promised)) {
            return { answer: { task: item.task, ok: false, promised: register.promised, ...accepted } }
          }
          return { answer: { task: item.task, ok: true, ...accepted }, write: write(item.task, { ...register, promised: item.ballot }) }
        },
        answer,
      ),
    accept: (items, answer) =>
      answerAll(
        items,
        (item, register) => {
          const mayUseZero =
            item.ballot[0] > 0 ||
            (item.ballot[1] === components.taskOf(item.task)?.preferred && compareBallots(register.promised, NO_BALLOT) === 0)
          if (!mayUseZero || isAbove(register.promised, item.ballot))
            return { answer: { task: item.task, ok: false, promised: register.promised } }
          // The same node's next round is promised along: a proposer that repeats needs no prepare.
          const next: Register = { promised: [item.ballot[0] + 1, item.ballot[1]], accepted: { ballot: item.ballot, value: item.value } }
          return { answer: { task: item.task, ok: true }, write: write(item.task, next) }
        },
        answer,
      ),
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
    adopt(incoming, terms, done) {
      const writes: Write[] = []
      for (const { task, register } of incoming) {
        const merged = higher(registers.get(task), register)
        if (merged !== registers.get(task)) writes.push(write(task, merged))
      }
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

/** Reads a register back from the store. */
export function decodeRegister(payload: Uint8Array): Register {
  return decode<Register>(payload)
}
