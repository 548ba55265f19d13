// Who is linked with whom where not every two members can be: a machine without I/O. Up to twelve nodes every two are
// linked. Above that a node has some neighbours, the nearer half of them found by trying, the others at random, and besides
// them links with those that it needs. Neighbours agree: whom one side names or drops, the other does too.
import type { PeerId } from '../../../protocols/ids.ts'
import type { LinkMessageOf } from '../../../protocols/streams.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import { repeat } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import { pick } from '../../kernel/random.ts'
import type { PassiveView } from './passive-view.ts'
import { createPassiveView } from './passive-view.ts'

/** Up to this many members every two are linked. */
const FULL_MAX = 12
/** Neighbours that a node looks for; with those that chose it, it may have twice as many. */
const ACTIVE = 8
const ACTIVE_MAX = 16
/** Of those looked for, how many should be near. */
const NEAR = 4
const ROUND_MS = 1_000
/** A link that somebody was asked for and that does not stand by then is looked for elsewhere. */
const DIAL_MS = 5_000
/** Whoever had no room is not asked again for this long. */
const REFUSED_MS = 60_000
/** A stranger is tried for its round trip this often, less and less often while none is better. */
const TRY_FIRST_MS = 10_000
const TRY_MAX_MS = 600_000
/** A nearer one has to be this much nearer, so that neighbours do not change for nothing. */
const NEARER = 0.8
/** News still goes to a former neighbour for this long: it is finding another way to hear them. */
const LINGER_MS = 1_500
/** A new link that is of no use is kept for this long. */
const SPARE_MS = 10_000

export type OverlayComponents = {
  self: PeerId
  clock: Clock
  random: Random
  /** Everyone who belongs here, this node left out. */
  members(): readonly PeerId[]
  /** Those of them that are not known to be dead. */
  living(): readonly PeerId[]
  linked(): readonly PeerId[]
  /** With whom everybody is linked. */
  hubs(): readonly PeerId[]
  roundTripMs(peer: PeerId): number | undefined
  send(peer: PeerId, message: LinkMessageOf<'neighbour'>): void
  hangUp(peer: PeerId): void
  /** The neighbours are others now. */
  onChange(): void
  onError(error: unknown): void
}

export type Overlay = {
  start(): void
  stop(): void
  /** One round: looks for neighbours, tries a nearer one, gives up what is of no use. */
  step(): void
  /** Whether some members are not linked with each other. */
  isSparse(): boolean
  /** Along whom news is passed on; undefined where every two are linked. */
  neighbours(): readonly PeerId[] | undefined
  /** Neighbours of a moment ago, who still hear the news from here. */
  leaving(): readonly PeerId[]
  /** Who should be linked and may not be yet. */
  wanted(): PeerId[]
  /** This node needs the link for some time, although the peer is no neighbour. */
  use(peer: PeerId, forMs: number): void
  receive(from: PeerId, message: LinkMessageOf<'neighbour'>): void
  peerUp(peer: PeerId): void
  peerDown(peer: PeerId): void
}

export function createOverlay(components: OverlayComponents): Overlay {
  const { self, clock, random, members, linked, send } = components
  const active = new Set<PeerId>() // at most ACTIVE_MAX
  const used = new Map<PeerId, number>() // swept each round, like the next
  /** Links that stand for a moment although this node has no use for them: the other side may have one. */
  const spared = new Map<PeerId, number>()
  const passive: PassiveView = createPassiveView(random)
  const leaving = new Set<PeerId>()
  let looking = new Map<PeerId, number>()
  let trial: { peer: PeerId; untilMs: number } | undefined
  let tryEveryMs = TRY_FIRST_MS
  let tryAtMs = 0
  let stopRounds: Cancel = () => {}
  let list: readonly PeerId[] = []

  const isSparse = (): boolean => members().length + 1 > FULL_MAX
  const changed = (): void => {
    list = [...active]
    components.onChange()
  }
  const add = (peer: PeerId): void => {
    looking.delete(peer)
    if (active.has(peer)) return
    active.add(peer)
    changed()
  }
  const remove = (peer: PeerId): void => {
    if (active.delete(peer)) changed()
  }
  const part = (peer: PeerId): void => {
    if (!active.has(peer)) return
    leaving.add(peer)
    spared.set(peer, clock.nowMs() + SPARE_MS)
    clock.after(LINGER_MS, () => void leaving.delete(peer))
    remove(peer)
  }
  const choose = (peer: PeerId): void => {
    add(peer)
    send(peer, { t: 'neighbour', on: true })
  }
  const rtt = (peer: PeerId): number => components.roundTripMs(peer) ?? Infinity

  const fill = (nowMs: number): void => {
    const up = new Set(linked())
    for (const [peer, untilMs] of looking) if (untilMs <= nowMs) looking.delete(peer)
    for (let open = ACTIVE - active.size - looking.size; open > 0; open--) {
      const peer = passive.any((one) => !active.has(one) && !looking.has(one) && !passive.isRefused(one, nowMs))
      if (peer === undefined) return
      if (up.has(peer)) choose(peer)
      else looking.set(peer, nowMs + DIAL_MS)
    }
  }
  /** Tries one that is not linked, to know how far it is. */
  const explore = (nowMs: number): void => {
    if (trial !== undefined && trial.untilMs <= nowMs) trial = undefined
    if (trial !== undefined || nowMs < tryAtMs || active.size < ACTIVE) return
    const peer = passive.any((one) => !active.has(one) && !passive.isRefused(one, nowMs))
    tryEveryMs = Math.min(TRY_MAX_MS, tryEveryMs * 1.5)
    tryAtMs = nowMs + tryEveryMs * (0.5 + random.next())
    if (peer === undefined) return
    trial = { peer, untilMs: nowMs + DIAL_MS }
    if (linked().includes(peer)) judge(peer)
  }
  /** The one tried is up: takes it instead of the farthest of the near ones, where it is nearer. */
  const judge = (peer: PeerId): void => {
    if (trial?.peer !== peer) return
    trial = undefined
    const near = list.toSorted((a, b) => rtt(a) - rtt(b)).slice(0, NEAR)
    const worst = near.at(-1)
    if (worst === undefined || active.has(peer) || rtt(peer) > rtt(worst) * NEARER) return
    tryEveryMs = Math.max(TRY_FIRST_MS, tryEveryMs / 2)
    choose(peer)
    // The places for those at random stay as many as they are.
    if (active.size <= ACTIVE) return
    part(worst)
    send(worst, { t: 'neighbour', on: false })
  }
  const giveUpOne = (): void => {
    const hubs = components.hubs()
    if (hubs.includes(self)) return
    const isSpare = (peer: PeerId): boolean =>
      !active.has(peer) && !hubs.includes(peer) && !used.has(peer) && !spared.has(peer) && trial?.peer !== peer && !looking.has(peer)
    const spare = pick(random, linked().filter(isSpare))
    if (spare !== undefined) components.hangUp(spare)
  }

  const step = (): void => {
    passive.refresh(members(), components.living())
    if (!isSparse()) {
      looking = new Map()
      trial = undefined
      if (active.size > 0) active.clear()
      return
    }
    const up = new Set(linked())
    for (const peer of active) if (!up.has(peer)) remove(peer)
    const nowMs = clock.nowMs()
    for (const kept of [used, spared]) for (const [peer, untilMs] of kept) if (untilMs <= nowMs) kept.delete(peer)
    fill(nowMs)
    explore(nowMs)
    giveUpOne()
  }

  return {
    start() {
      step()
      stopRounds = repeat(clock, () => ROUND_MS * (0.75 + random.next() / 2), step, components.onError)
    },
    stop: () => stopRounds(),
    step,
    isSparse,
    neighbours: () => (isSparse() ? list : undefined),
    leaving: () => [...leaving],
    wanted() {
      if (!isSparse()) return [...members()]
      return [
        ...new Set([
          ...components.hubs().filter((hub) => hub !== self),
          ...looking.keys(),
          ...(trial === undefined ? [] : [trial.peer]),
          ...used.keys(),
        ]),
      ]
    },
    use: (peer, forMs) => void used.set(peer, clock.nowMs() + forMs),
    receive(from, { on }) {
      if (!on) {
        passive.refuse(from, clock.nowMs() + REFUSED_MS)
        return part(from)
      }
      if (active.has(from)) return
      if (active.size < ACTIVE_MAX) add(from)
      else send(from, { t: 'neighbour', on: false })
    },
    peerUp(peer) {
      spared.set(peer, clock.nowMs() + SPARE_MS)
      if (looking.has(peer)) choose(peer)
      else judge(peer)
    },
    peerDown: remove,
  }
}
