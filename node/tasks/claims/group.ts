// The keeper group at one node, wired: its seat, its questions to the other seats, its own lease, the ending of others' terms.
// It answers only as a voting seat of the version that it was asked for, and knows tasks only by their registers.
import type { NameKey, PeerId, RegisterKey, TaskId, Term } from '../../../protocols/ids.ts'
import { isNameKey, lifeOf } from '../../../protocols/ids.ts'
import type { Entry, RegisterValue } from '../../../protocols/records.ts'
import type { GroupConfig, Head, LinkMessage } from '../../../protocols/streams.ts'
import type { Clock } from '../../kernel/clock.ts'
import { gather } from '../../kernel/batching.ts'
import type { Random } from '../../kernel/random.ts'
import type { Write } from '../../store/database.ts'
import type { Fold } from '../fold/fold.ts'
import { NO_BALLOT } from './ballots.ts'
import { acceptItems, answersMessage, prepareItems } from './registers/batches.ts'
import type { Keeper } from './keeper.ts'
import { createKeeper } from './keeper.ts'
import type { Lease } from './lease.ts'
import { createLease } from './lease.ts'
import type { Proposer } from './proposer.ts'
import { createProposer } from './proposer.ts'
import { createQuorum } from './quorum.ts'
import { createChosenLog } from './registers/chosen-log.ts'
import type { Register, StoredRegisters } from './registers/register-book.ts'
import { generationOf, lifted, recoveredVersion, reseeded } from './recovery.ts'
import type { SeatState, Seats } from './seats.ts'
import { createSeats } from './seats.ts'
import { createTerms } from './terms.ts'
import { createSeatWatch, wantedSeats } from './wanted-seats.ts'

export type GroupComponents = {
  self: PeerId
  epoch: number
  clock: Clock
  random: Random
  net: { send(peer: PeerId, message: LinkMessage): boolean; linked(): PeerId[] }
  persist(writes: readonly Write[], done: () => void): void
  saveSeat(state: SeatState, done: () => void): void
  fold: Pick<Fold, 'task' | 'termEnded' | 'group'>
  /** Terms that hold a task in the fold. */
  holding(): readonly { node: PeerId; term: Term }[]
  /** Members that may keep registers, longest certified first. */
  keepers(): PeerId[]
  seatDeadMs: number | undefined
  /** All register values that the log tells of. */
  logged(): Iterable<readonly [RegisterKey, RegisterValue]>
  loggedValue(key: RegisterKey): RegisterValue | undefined
  append(entry: Entry): number
  /** How far this node knows the logs, and whether it knows them as far as this. */
  heads(): readonly Head[]
  covers(heads: readonly Head[]): boolean
  /** A value of a name is chosen for certain. */
  onName(key: NameKey, value: RegisterValue): void
  onSeats(): void
  /** The terms under which this node claims or runs anything. */
  needsLease(): ReadonlySet<Term>
  onLease(untilMs: number | undefined, term: Term): void
}
export type GroupMemory = StoredRegisters & { ended: Set<string>; seat: SeatState }

export type Group = {
  proposer: Proposer
  lease: Lease
  seats: Seats
  start(): void
  stop(): void
  /** False where the message is not about the group. */
  onMessage(from: PeerId, message: LinkMessage): boolean
  onLastWords(node: PeerId, term: Term): void
  /** The log has brought the last value of a task. */
  onSettled(task: TaskId): void
  /** Goes on with these seats without a majority of the present ones: an admin's step, and it may forget what only they knew. */
  recover(request: { seats: PeerId[]; by: string; reason?: string }): number
  /** Ends all terms of this process: no process of its work is left. */
  endOwnTerms(): void
}

/** A seat that nobody links to for so long gives its place to another member. */
const SEAT_DEAD_MS = 5 * 60_000
/** A seat that did not decide a change logs it after this, in case the one that did died first. */
const LOG_SEATS_MS = 2_000
/** A new seat waits this long for the logs that an old one knows, before it reads anew; and looks this often. */
const COVER_MS = 2_000
const COVER_LOOK_MS = 20
const PAGE = 10_000

export function createGroup(components: GroupComponents, memory: GroupMemory): Group {
  const { self, clock, random, net, fold, append } = components
  const settledOf = (key: RegisterKey): RegisterValue | undefined => {
    const value = fold.task(key as TaskId)?.value
    return value?.state === 'settled' ? value : undefined
  }
  const keeper = createKeeper(
    {
      clock,
      persist: components.persist,
      taskOf(id, by) {
        const state = fold.task(id as TaskId)
        if (state?.records !== undefined) return by === undefined || state.records.has(by) ? { preferred: undefined } : undefined
        const task = state?.task
        return task === undefined ? undefined : { preferred: task.preferred?.[0] }
      },
      settledOf,
    },
    memory,
  )
  keeper.settled([...memory.registers.keys()].filter((key) => settledOf(key) !== undefined))
  const settled = gather<RegisterKey>(keeper.settled)
  const chosen = createChosenLog(fold, append)
  const quorum = createQuorum(
    { self, clock, send: net.send, askSelf: (message, reply) => void answer(self, message, reply) },
    Math.floor(random.next() * 2 ** 31),
  )
  const logSeats = (config: GroupConfig): void => {
    // A recovery is in the log of the admin who signed it.
    if (config.recovered !== true && (fold.group()?.version ?? 0) < config.version) append({ kind: 'group', group: 'default', ...config })
  }
  const isHere = (peer: PeerId): boolean => peer === self || net.linked().includes(peer)
  const watch = createSeatWatch(clock, isHere, components.seatDeadMs ?? SEAT_DEAD_MS)
  const seats = createSeats(
    {
      self,
      clock,
      random,
      quorum,
      keeper,
      save: components.saveSeat,
      reseed: (generation, done) => keeper.adopt(reseeded(allOf(keeper), components.logged(), generation), [], done),
      watch: watch.look,
      wanted: (config) => wantedSeats(config.seats, components.keepers(), isHere, watch.isDead),
      linked: (peer) => net.linked().includes(peer),
      send: net.send,
      heads: components.heads,
      whenCovered(heads, done) {
        const lateMs = clock.nowMs() + COVER_MS
        const look = (): void => {
          if (components.covers(heads) || clock.nowMs() >= lateMs) done(components.covers(heads))
          else clock.after(COVER_LOOK_MS, look)
        }
        look()
      },
      onDecided(config) {
        components.onSeats()
        if (config.seats[0] === self) queueMicrotask(() => logSeats(config))
        else if (config.seats.includes(self)) clock.after(LOG_SEATS_MS, () => logSeats(config))
      },
    },
    newest(memory.seat, fold.group()),
  )
  const shared = {
    self,
    epoch: components.epoch,
    clock,
    quorum,
    config: seats.config,
    onStale: (_: PeerId, config: GroupConfig) => seats.learn(config),
  }
  const proposer = createProposer({
    ...shared,
    random,
    preferredOf(key) {
      const state = fold.task(key as TaskId)
      return state !== undefined && state.value.version === 0 ? state.task?.preferred : undefined
    },
    onChosen(key, value) {
      if (isNameKey(key)) return components.onName(key, value)
      chosen([key, value])
    },
  })
  const lease = createLease({
    ...shared,
    needed: components.needsLease,
    onValid: (term, untilMs) => components.onLease(untilMs, term),
    onEnded: (term) => components.onLease(undefined, term),
  })
  const terms = createTerms({
    ...shared,
    holding: components.holding,
    life: lifeOf(lease.term()),
    isCurrent: lease.isCurrent,
    remainingMs: keeper.remainingMs,
    termEnded: fold.termEnded,
    onEnded: (node, term) => append({ kind: 'term', node, term }),
  })

  /** What this node answers as a seat; silent where it does not vote. False where it is no question to a seat. */
  function answer(from: PeerId, message: LinkMessage, reply: (answer: LinkMessage) => void): boolean {
    if (message.t === 'seat-prepare' || message.t === 'seat-accept' || message.t === 'seat-read') {
      seats.onRequest(from, message, reply)
      return true
    }
    const isPrepare = message.t === 'prepare' || message.t === 'prepare-runs'
    const isAccept = message.t === 'accept' || message.t === 'accept-runs'
    if (!isPrepare && !isAccept && message.t !== 'renew' && message.t !== 'fence') return false
    const { id } = message
    if (message.version !== seats.config().version) reply({ t: 'stale', id, config: seats.config() })
    else if (!seats.votes(message.version)) return true
    else if (isPrepare) keeper.prepare(prepareItems(message), (items) => reply(answersMessage(message, id, items)))
    else if (isAccept) keeper.accept(acceptItems(message), (items) => reply(answersMessage(message, id, items)))
    else if (message.t === 'renew') {
      const ended = message.also?.filter((term) => !keeper.renew(from, term)) ?? []
      reply({ t: 'renewed', id, term: message.term, ok: keeper.renew(from, message.term), ...(ended.length > 0 ? { ended } : {}) })
    } else {
      const own = message.own === true && from === message.node
      keeper.end(message.node, message.term, own, (ok, remainingMs) =>
        reply({ t: 'fenced', id, ok, ...(remainingMs === undefined ? {} : { remainingMs: Math.ceil(remainingMs) }) }),
      )
    }
    return true
  }

  return {
    proposer: {
      ...proposer,
      change: (key, decide, deadlineMs) =>
        proposer.change(key, lifted(decide, generationOf(seats.config().version), components.loggedValue(key)), deadlineMs),
    },
    lease,
    seats,
    start() {
      seats.start()
      terms.start()
    },
    stop() {
      for (const part of [seats, terms, lease]) part.stop()
    },
    onMessage(from, message) {
      if (answer(from, message, (reply) => void net.send(from, reply))) return true
      switch (message.t) {
        case 'stale':
          if (!quorum.onAnswer(from, message.id, message)) seats.learn(message.config)
          return true
        case 'answers':
        case 'answers-runs':
        case 'renewed':
        case 'fenced':
        case 'seat-promise':
        case 'seat-accepted':
        case 'seat-state':
          quorum.onAnswer(from, message.id, message)
          return true
        default:
          return false
      }
    },
    onSettled: settled,
    onLastWords(node, term) {
      if (seats.votes(seats.config().version)) keeper.end(node, term, true, () => terms.end(node, term))
    },
    recover({ seats: next, ...who }) {
      const { version, seats: before } = seats.config()
      const lost = before.filter((seat) => !next.includes(seat))
      return append({
        kind: 'group',
        group: 'default',
        version: recoveredVersion(version, random.next()),
        seats: next,
        recovered: true,
        lost,
        ...who,
      })
    },
    endOwnTerms: () => lease.terms().forEach((term) => terms.end(self, term, true)),
  }
}

/** The log may know a newer version than this seat wrote down itself. */
function newest(seat: SeatState, logged: GroupConfig | undefined): SeatState {
  // What was promised and accepted belongs to the version before: kept, it would make this seat deaf in the new one for good.
  return logged !== undefined && logged.version > seat.config.version ? { config: logged, votes: seat.votes, promised: NO_BALLOT } : seat
}

function allOf(keeper: Keeper): { task: RegisterKey; register: Register }[] {
  const all: { task: RegisterKey; register: Register }[] = []
  for (let page = keeper.registers('', PAGE); page.length > 0; page = keeper.registers(all.at(-1)?.task ?? '', PAGE)) all.push(...page)
  return all
}
