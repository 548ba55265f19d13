// Who is reachable: a SWIM machine without I/O. A closed link raises suspicion at once and a neighbour confirms it; a
// probe of one member each round finds those that hang. It only watches: a member that it calls dead keeps its rights.
import type { PeerId } from '../../protocols/ids.ts'
import type { LinkMessageOf } from '../../protocols/streams.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import { pick } from '../kernel/random.ts'
import type { Question } from './questions.ts'
import { createPatience, createQuestions, createSilence } from './questions.ts'

export type MemberState = 'alive' | 'suspect' | 'dead' | 'left'
export type MembershipPreset = { roundMs: number; answerMs: number; suspicionMs: number }
/** `roundMs` between probes, `answerMs` for an answer, `suspicionMs` from suspicion to death; the last two stretch with local health. */
export const MEMBERSHIP_PRESETS = {
  local: { roundMs: 1000, answerMs: 300, suspicionMs: 600 },
  lan: { roundMs: 1000, answerMs: 500, suspicionMs: 1000 },
  wan: { roundMs: 2000, answerMs: 1500, suspicionMs: 5000 },
} as const satisfies Record<string, MembershipPreset>

/** Neighbours asked about a member that does not answer. */
const ASKED_MAX = 3
/** A member without a link here is asked about when nothing was heard of it for this long. */
const UNHEARD_MS = 120_000
/** The ID of an answer that nobody asked for: "I cannot reach that one, see whether you can". */
const HINT_ID = 0

export type ProbeMessage = LinkMessageOf<'probe' | 'probed' | 'ask-probe' | 'asked'>

export type MembershipComponents = {
  clock: Pick<Clock, 'nowMs' | 'after'>
  random: Random
  send(peer: PeerId, message: ProbeMessage): void
  /** Everyone who belongs here, this node left out. */
  members(): readonly PeerId[]
  linked(): PeerId[]
  /**
   * Set while not every two members are linked: the linked ones who are linked with everybody. They are asked about those
   * without a link here, and they tell of deaths.
   */
  hubs?(): { self: boolean; linked: readonly PeerId[] } | undefined
  onChange(peer: PeerId, state: MemberState): void
  onRoundTrip?: (peer: PeerId, ms: number) => void
  /** Nothing comes over this link any more: it is to be cut and made anew, whatever others say of the member. */
  onSilentLink(peer: PeerId): void
}

export type Membership = {
  start(): void
  stop(): void
  /** One round: probes one member. */
  step(): void
  peerUp(peer: PeerId): void
  peerDown(peer: PeerId): void
  /** Anything that came from a peer proves that it is alive. */
  heard(peer: PeerId): void
  /** News of it came by way of others: it is alive, whatever its link here is worth. */
  heardOf(peer: PeerId): void
  receive(from: PeerId, message: ProbeMessage): void
  /** The member said goodbye for good. */
  left(peer: PeerId): void
  /** The longest delay of this node's own event loop since the last call. */
  onLoopDelay(ms: number): void
  stateOf(peer: PeerId): MemberState
  alive(): PeerId[]
  /** When it was last heard of, on the clock's monotonic line; undefined for never. */
  lastSeenMs(peer: PeerId): number | undefined
}

type Member = { state: MemberState; seenMs: number | undefined; cancel: Cancel }

export function createMembership(
  { clock, random, send, members, linked, hubs = () => undefined, onChange, onRoundTrip, onSilentLink }: MembershipComponents,
  preset: MembershipPreset,
): Membership {
  const known = new Map<PeerId, Member>() // bounded by the members, swept each round
  const patience = createPatience(clock)
  const questions = createQuestions(clock, patience)
  const silence = createSilence(clock)
  let round: PeerId[] = []
  let cancelRound: Cancel = () => {}

  const memberOf = (peer: PeerId): Member => {
    const member = known.get(peer) ?? { state: 'suspect', seenMs: undefined, cancel: () => {} }
    if (!known.has(peer)) {
      known.set(peer, member)
      dieLater(peer, member)
    }
    return member
  }
  const enter = (peer: PeerId, state: MemberState): void => {
    const member = memberOf(peer)
    if (member.state === 'left' || member.state === state) return
    member.cancel()
    member.state = state
    if (state === 'suspect') dieLater(peer, member)
    onChange(peer, state)
    // Many members have no link with it and look to those who had.
    if (state === 'dead' && hubs()?.self === true) hint(send, linked(), peer)
  }
  const dieLater = (peer: PeerId, member: Member): void => {
    member.cancel = patience.after(preset.suspicionMs, () => enter(peer, 'dead'))
  }
  /** `tell` lets the linked peers look for themselves, so that a hang is not found by each of them one after another. */
  const suspect = (peer: PeerId, tell = false): void => {
    if (memberOf(peer).state !== 'alive') return
    enter(peer, 'suspect')
    if (tell) hint(send, linked(), peer)
  }
  const alive = (peer: PeerId): void => {
    memberOf(peer).seenMs = clock.nowMs()
    enter(peer, 'alive')
  }
  const heard = (peer: PeerId): void => {
    silence.broken(peer)
    alive(peer)
  }
  const ask = (peer: PeerId, kind: 'probe' | 'ask-probe', about: PeerId, onSilence: () => void, asker?: Question['asker']): void => {
    // A neighbour that is asked needs time for its own probe.
    const timeMs = kind === 'probe' ? preset.answerMs : 2 * preset.answerMs
    const id = questions.open(
      { about, onSilence: kind === 'probe' ? silence.noted(about, onSilence) : onSilence, ...(asker === undefined ? {} : { asker }) },
      timeMs,
    )
    send(peer, kind === 'probe' ? { t: 'probe', id } : { t: 'ask-probe', id, peer: about })
  }
  /** Asks up to `count` neighbours; suspects the member where none of them reaches it. */
  const askNeighbours = (about: PeerId, count: number): void => {
    const neighbours = whoKnows(hubs(), linked()).filter((peer) => peer !== about)
    let open = Math.min(count, neighbours.length)
    if (open === 0) return suspect(about, true)
    const onSilence = (): void => {
      if (--open === 0) suspect(about, true)
    }
    for (let left = open; left > 0; left--) {
      const neighbour = pick(random, neighbours) as PeerId
      neighbours.splice(neighbours.indexOf(neighbour), 1)
      ask(neighbour, 'ask-probe', about, onSilence)
    }
  }
  const probe = (peer: PeerId): void => {
    if (!linked().includes(peer)) return askNeighbours(peer, 1)
    ask(peer, 'probe', peer, () => askNeighbours(peer, ASKED_MAX))
  }
  /** A peer's word alone kills nobody: only this node's own probe counts. Who sent the hint has asked around already. */
  const lookAfterHint = (peer: PeerId): void => {
    if (questions.about(peer).length > 0 || known.get(peer)?.state !== 'alive') return
    if (linked().includes(peer)) return ask(peer, 'probe', peer, () => suspect(peer))
    if (hubs() === undefined) return
    suspect(peer)
    askNeighbours(peer, 1)
  }
  const receive = (from: PeerId, message: ProbeMessage): void => {
    heard(from)
    if (message.t === 'probe') return send(from, { t: 'probed', id: message.id })
    if (message.t === 'probed') {
      const question = questions.take(message.id, from)
      if (question === undefined) return
      onRoundTrip?.(from, clock.nowMs() - question.sentAtMs)
      return answerAsker(send, question, true)
    }
    if (message.t === 'ask-probe') {
      const asker = { peer: from, id: message.id }
      const answer = (isAlive: boolean): void => send(from, { t: 'asked', id: message.id, peer: message.peer, alive: isAlive })
      if (!linked().includes(message.peer)) return answer(false)
      return ask(message.peer, 'probe', message.peer, () => answer(false), asker)
    }
    if (message.id === HINT_ID) return lookAfterHint(message.peer)
    const question = questions.take(message.id, message.peer)
    if (question === undefined) return
    if (message.alive) {
      if (linked().includes(message.peer)) patience.worse() // others hear it, this node does not: perhaps it is this node
      return alive(message.peer)
    }
    // The link is closed and a neighbour has lost it too: that is a death, not a doubt.
    if (!linked().includes(message.peer) && memberOf(message.peer).state === 'suspect') return enter(message.peer, 'dead')
    question.onSilence()
  }
  const step = (): void => {
    const current = new Set(members())
    for (const [peer, member] of known) {
      if (current.has(peer) || member.state === 'left') continue
      member.cancel()
      known.delete(peer)
    }
    patience.better()
    for (const peer of silence.tooLong(linked())) onSilentLink(peer)
    round = round.filter((peer) => current.has(peer))
    // Every member once in each pass, so that none waits longer than one pass; the dead come back by their own link. Where not
    // all are linked, each is probed by those that are linked with it.
    const isWatched = (peer: PeerId): boolean =>
      hubs() === undefined || linked().includes(peer) || clock.nowMs() - (known.get(peer)?.seenMs ?? 0) > UNHEARD_MS
    if (round.length === 0) round = [...current].filter((peer) => memberOf(peer).state === 'alive' && isWatched(peer))
    const peer = pick(random, round)
    if (peer === undefined) return
    round.splice(round.indexOf(peer), 1)
    if (memberOf(peer).state === 'alive') probe(peer)
  }
  const loop = (): void => {
    cancelRound = clock.after(preset.roundMs, () => {
      step()
      loop()
    })
  }

  return {
    start: loop,
    stop() {
      cancelRound()
      for (const member of known.values()) member.cancel()
      questions.clear()
    },
    step,
    peerUp: heard,
    heard,
    heardOf: alive,
    peerDown(peer) {
      suspect(peer)
      for (const id of questions.about(peer)) {
        const question = questions.take(id, peer)
        if (question?.asker === undefined) question?.onSilence()
        else answerAsker(send, question, false)
      }
      askNeighbours(peer, 1)
    },
    receive,
    left: (peer) => enter(peer, 'left'),
    onLoopDelay: patience.onLoopDelay,
    stateOf: (peer) => known.get(peer)?.state ?? 'suspect',
    alive: () => [...known].flatMap(([peer, member]) => (member.state === 'alive' ? [peer] : [])),
    lastSeenMs: (peer) => known.get(peer)?.seenMs,
  }
}

/** Tells the node that waits for the same answer, where there is one. */
function answerAsker(send: MembershipComponents['send'], { asker, about }: Question, isAlive: boolean): void {
  if (asker !== undefined) send(asker.peer, { t: 'asked', id: asker.id, peer: about, alive: isAlive })
}

/** Who can say whether a member is alive that is not linked here. */
function whoKnows(hubs: ReturnType<NonNullable<MembershipComponents['hubs']>>, linked: PeerId[]): readonly PeerId[] {
  return hubs === undefined || hubs.linked.length === 0 ? linked : hubs.linked
}

/** Lets others look for themselves. */
function hint(send: MembershipComponents['send'], to: readonly PeerId[], peer: PeerId): void {
  for (const other of to) if (other !== peer) send(other, { t: 'asked', id: HINT_ID, peer, alive: false })
}
