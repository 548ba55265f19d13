// The keeper group's own configuration: which version this node knows, whether it votes in it, and how the next version is
// decided by the seats of this one (decision 0001, "Seats"). It moves seats one at a time and never guesses from who is reachable.
import type { PeerId } from '../../../protocols/ids.ts'
import type { Ballot, GroupConfig, Head, LinkMessage, LinkMessageOf } from '../../../protocols/streams.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import { isAbove, NO_BALLOT } from './ballots.ts'
import type { Keeper } from './keeper.ts'
import { ASK_MS } from './lease-times.ts'
import type { Quorum } from './quorum.ts'
import { majorityOf } from './quorum.ts'
import { generationOf } from './recovery.ts'
import { nextSeats } from './wanted-seats.ts'

/** What a seat remembers on disk about its group. `votes` is the newest version in which it may vote. */
export type SeatState = { config: GroupConfig; votes: number; promised: Ballot; accepted?: { ballot: Ballot; config: GroupConfig } }

export type SeatsComponents = {
  self: PeerId
  clock: Clock
  random: Random
  quorum: Quorum
  keeper: Pick<Keeper, 'registers' | 'endedTerms' | 'adopt' | 'seated'>
  /** Brings this node's registers into the generation of a recovered group. */
  reseed(generation: number, done: () => void): void
  save(state: SeatState, done: () => void): void
  /** Called before each look at the seats. */
  watch(seats: readonly PeerId[]): void
  /** The seats that this node would want now, in order of preference; the current ones when nothing is to change. */
  wanted(current: GroupConfig): readonly PeerId[]
  linked(peer: PeerId): boolean
  /** A version is decided for certain: it belongs into the log. */
  onDecided(config: GroupConfig): void
  send(peer: PeerId, message: LinkMessage): boolean
  heads(): readonly Head[]
  /**
   * Calls back once this node's log reaches as far, or after a while with false: an old seat forgets the registers whose last
   * values its log holds, so a new one has to hold them as well before it votes.
   */
  whenCovered(heads: readonly Head[], done: (covered: boolean) => void): void
}

export type Seats = {
  config(): GroupConfig
  /** Whether this node answers register requests of this version now. */
  votes(version: number): boolean
  /** A decided configuration, from the log or from a seat that answered `stale`. */
  learn(config: GroupConfig): void
  onRequest(from: PeerId, message: LinkMessage, reply: (answer: LinkMessage) => void): void
  start(): void
  stop(): void
  /** One look at whether the seats should change; tests call it by hand. */
  evaluate(): void
}

const LOOK_MS = 300
const READ_PAGE = 64

export function createSeats(components: SeatsComponents, stored: SeatState): Seats {
  const { self, clock, random, quorum, keeper } = components
  let state = stored
  let busy = false
  let round = 0
  let reading = 0
  /** The recovered version for which this node's registers are ready to be read by the other seats. */
  let reseeded = 0
  let timer: Cancel = () => {}

  const save = (next: SeatState, done: () => void = () => {}): void => {
    state = next
    components.save(next, done)
  }
  const votes = (version: number): boolean =>
    version === state.config.version && state.votes === version && state.accepted === undefined && state.config.seats.includes(self)

  const learn = (config: GroupConfig): void => {
    if (config.version <= state.config.version) return
    const before = state.config
    // A seat that voted before and only sees another one added has nothing to fetch.
    const keeps = state.votes === before.version && config.version === before.version + 1 && before.seats.includes(self)
    const added = keeps && config.seats.includes(self) && config.seats.length > before.seats.length
    save({ config, votes: added ? config.version : state.votes, promised: NO_BALLOT })
    components.onDecided(config)
    if (config.seats.includes(self) && !added) read(before, config)
  }

  /** Reads what a majority of the old seats knew, then votes. */
  const read = (old: GroupConfig, config: GroupConfig): void => {
    if (reading === config.version) return
    reading = config.version
    const others = config.seats.filter((seat) => seat !== self)
    // A recovered group has no majority of before to ask: every seat reads what all others have left.
    const whole = config.recovered === true
    const sources = whole ? config.seats : old.version === config.version - 1 ? old.seats : others
    const done = new Set<PeerId>(!whole && old.seats.includes(self) && state.votes === old.version ? [self] : [])
    const retry = (): void => {
      if (reading !== config.version) return
      reading = 0
      clock.after(ASK_MS, () => (state.config.version === config.version && state.votes < config.version ? read(old, config) : undefined))
    }
    const finished = (): void => {
      if (
        done.size < (whole ? sources.length : majorityOf(sources)) ||
        state.config.version !== config.version ||
        state.votes === config.version
      )
        return
      keeper.seated()
      save({ ...state, votes: config.version })
      reading = 0
    }
    const readFrom = (seat: PeerId, after: string): void => {
      quorum.ask({
        seats: [seat],
        timeoutMs: ASK_MS * 4,
        message: (id) => ({ t: 'seat-read', id, version: config.version, after }),
        answer(_, answer) {
          if (answer.t !== 'seat-state' || !answer.ok) return retry()
          const registers = answer.registers.map((one) => ({
            task: one.task,
            register: { promised: one.promised, ...(one.accepted ? { accepted: one.accepted } : {}) },
          }))
          keeper.adopt(registers, answer.terms, () => {
            if (answer.next !== undefined) return readFrom(seat, answer.next)
            components.whenCovered(answer.heads ?? [], (covered) => {
              if (!covered) return retry()
              done.add(seat)
              finished()
            })
          })
        },
        timeout: retry,
      })
    }
    const begin = (): void => {
      for (const seat of sources) if (seat !== self) readFrom(seat, '')
      finished()
    }
    if (!whole) return begin()
    components.reseed(generationOf(config.version), () => {
      reseeded = config.version
      done.add(self)
      begin()
    })
  }

  /** Decides the next version among the seats of this one; also completes what another seat left half decided. */
  const decide = (next: GroupConfig): void => {
    busy = true
    const config = state.config
    const ballot: Ballot = [(round = Math.max(round, state.promised[0]) + 1), self]
    const finish = (): void => void (busy = false)
    const promises: LinkMessageOf<'seat-promise'>[] = []
    let accepts = 0
    const accept = (chosen: GroupConfig): void => {
      quorum.ask({
        seats: config.seats,
        timeoutMs: ASK_MS,
        message: (id) => ({ t: 'seat-accept', id, version: config.version, ballot, config: chosen }),
        answer(_, answer) {
          if (answer.t === 'stale') learn(answer.config)
          if (answer.t !== 'seat-accepted' || !answer.ok) return
          accepts += 1
          if (accepts !== majorityOf(config.seats)) return
          learn(chosen)
          // Told at once: a seat that accepted is deaf until it knows that the new version stands.
          for (const seat of new Set([...config.seats, ...chosen.seats])) {
            if (seat !== self) components.send(seat, { t: 'stale', id: 0, config: chosen })
          }
        },
        complete: finish,
        timeout: finish,
      })
    }
    quorum.ask({
      seats: config.seats,
      timeoutMs: ASK_MS,
      message: (id) => ({ t: 'seat-prepare', id, version: config.version, ballot }),
      answer(_, answer) {
        if (answer.t === 'stale') learn(answer.config)
        if (answer.t !== 'seat-promise') return
        if (!answer.ok) return void (round = Math.max(round, answer.promised?.[0] ?? 0))
        promises.push(answer)
        if (promises.length !== majorityOf(config.seats) || state.config.version !== config.version) return
        const open = promises.reduce<LinkMessageOf<'seat-promise'>['accepted']>(
          (best, one) =>
            one.accepted !== undefined && (best === undefined || isAbove(one.accepted.ballot, best.ballot)) ? one.accepted : best,
          undefined,
        )
        accept(open?.config ?? next)
      },
      timeout: finish,
    })
    clock.after(ASK_MS * 2 + random.next() * ASK_MS, finish)
  }

  const evaluate = (): void => {
    components.watch(state.config.seats)
    if (busy || !state.config.seats.includes(self) || state.votes !== state.config.version) return
    if (state.accepted !== undefined) return decide(state.accepted.config)
    const next = nextSeats(state.config.seats, components.wanted(state.config))
    if (next === undefined) return
    // One seat leads, so that they do not outbid each other: the first that is linked.
    const leader = state.config.seats.find((seat) => seat === self || components.linked(seat))
    if (leader === self) decide({ version: state.config.version + 1, seats: next })
  }

  return {
    config: () => state.config,
    votes,
    learn,
    evaluate,
    onRequest(_, message, reply) {
      if (message.t === 'seat-read') return reply(readState(message))
      if (message.t !== 'seat-prepare' && message.t !== 'seat-accept') return
      if (message.version !== state.config.version) return reply({ t: 'stale', id: message.id, config: state.config })
      if (state.votes !== state.config.version) return
      if (message.t === 'seat-prepare') {
        const { accepted } = state
        if (!isAbove(message.ballot, state.promised))
          return reply({ t: 'seat-promise', id: message.id, ok: false, promised: state.promised })
        return save({ ...state, promised: message.ballot }, () =>
          reply({ t: 'seat-promise', id: message.id, ok: true, ...(accepted ? { accepted } : {}) }),
        )
      }
      if (isAbove(state.promised, message.ballot)) return reply({ t: 'seat-accepted', id: message.id, ok: false, promised: state.promised })
      save({ ...state, promised: message.ballot, accepted: { ballot: message.ballot, config: message.config } }, () =>
        reply({ t: 'seat-accepted', id: message.id, ok: true }),
      )
    },
    start() {
      if (state.config.seats.includes(self) && state.votes < state.config.version) read({ version: 0, seats: [] }, state.config)
      const look = (): void => {
        timer = clock.after(LOOK_MS, look)
        evaluate()
      }
      timer = clock.after(LOOK_MS * random.next(), look)
    },
    stop: () => timer(),
  }

  function readState(message: LinkMessageOf<'seat-read'>): LinkMessageOf<'seat-state'> {
    const refused = { t: 'seat-state' as const, id: message.id, registers: [], terms: [] }
    // Only a seat that has moved on and voted in the version before knows what was chosen there.
    const { recovered } = state.config
    const least = recovered === true && reseeded !== message.version ? message.version : message.version - 1
    const knows = (recovered === true && reseeded === message.version) || (state.votes >= least && state.votes > 0)
    if (state.config.version !== message.version || !knows) return { ...refused, ok: false }
    const page = keeper.registers(message.after, READ_PAGE)
    const last = page.at(-1)
    return {
      t: 'seat-state',
      id: message.id,
      ok: true,
      registers: page.map(({ task, register }) => ({ task, ...register })),
      terms: message.after === '' ? keeper.endedTerms() : [],
      heads: [...components.heads()],
      // A page may end early, before a large value: only an empty one is the last.
      ...(last === undefined ? {} : { next: last.task }),
    }
  }
}
