// Questions that wait for an answer, and the patience of a node that may itself be slow: time limits stretch with its
// own health, and one that fires late (this node stood still) waits once more before it counts.
import type { PeerId } from '../../protocols/ids.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'

/** Questions under way; at the limit the oldest is given up without a verdict. */
const QUESTIONS_MAX = 256
const HEALTH_MAX = 8
/** A delay of the event loop of this many milliseconds adds one to the multiplier. */
const LOOP_DELAY_STEP_MS = 50
const LATE_MS = 100

export type Patience = {
  /** Calls back after `delayMs` times the health multiplier. */
  after(delayMs: number, callback: () => void): Cancel
  worse(): void
  better(): void
  onLoopDelay(ms: number): void
}

/** Lifeguard's local health: 1 where all is well, up to 8 where this node is the slow one. */
export function createPatience(clock: Pick<Clock, 'nowMs' | 'after'>): Patience {
  let multiplier = 1
  const after = (delayMs: number, callback: () => void, isSecond: boolean): Cancel => {
    const dueMs = clock.nowMs() + delayMs * multiplier
    let cancel = clock.after(delayMs * multiplier, () => {
      if (!isSecond && clock.nowMs() - dueMs > LATE_MS) cancel = after(delayMs, callback, true)
      else callback()
    })
    return () => cancel()
  }
  return {
    after: (delayMs, callback) => after(delayMs, callback, false),
    worse() {
      multiplier = Math.min(HEALTH_MAX, multiplier + 1)
    },
    better() {
      multiplier = Math.max(1, multiplier - 1)
    },
    onLoopDelay(ms) {
      multiplier = Math.max(multiplier, Math.min(HEALTH_MAX, 1 + Math.floor(ms / LOOP_DELAY_STEP_MS)))
    },
  }
}

/** `asker` is who waits for the same answer elsewhere. */
export type Question = { about: PeerId; sentAtMs: number; asker?: { peer: PeerId; id: number }; onSilence(): void }

export type Questions = {
  /** Notes a question and answers its ID; `onSilence` is called where no answer was taken in time. */
  open(question: Omit<Question, 'sentAtMs'>, timeMs: number): number
  /** The question with this ID, where it is about that peer; it is answered with that. */
  take(id: number, about: PeerId): Question | undefined
  /** The IDs of all open questions about a peer. */
  about(peer: PeerId): number[]
  clear(): void
}

export function createQuestions(clock: Pick<Clock, 'nowMs'>, patience: Pick<Patience, 'after'>): Questions {
  const opened = new Map<number, { question: Question; cancel: Cancel }>()
  let lastId = 0
  const close = (id: number): Question | undefined => {
    const one = opened.get(id)
    one?.cancel()
    opened.delete(id)
    return one?.question
  }
  return {
    open(question, timeMs) {
      if (opened.size >= QUESTIONS_MAX) close(opened.keys().next().value as number)
      const id = ++lastId
      const cancel = patience.after(timeMs, () => close(id)?.onSilence())
      opened.set(id, { question: { ...question, sentAtMs: clock.nowMs() }, cancel })
      return id
    },
    take: (id, about) => (opened.get(id)?.question.about === about ? close(id) : undefined),
    about: (peer) => [...opened].filter(([, one]) => one.question.about === peer).map(([id]) => id),
    clear() {
      for (const id of opened.keys()) close(id)
    },
  }
}

/**
 * How long a link may stay up after a probe over it went unanswered and nothing else came. Behind a network that drops everything
 * a connection never closes by itself, and comes back only when TCP tries again, half a minute late; a new one needs a round trip.
 */
const SILENT_LINK_MS = 5_000
export type Silence = {
  /** Wraps what is done when a probe of that peer is not answered. */
  noted(peer: PeerId, onSilence: () => void): () => void
  /** Something came from that peer itself. */
  broken(peer: PeerId): void
  /** Those of the linked peers that are silent for too long; each is told once, and then starts anew. */
  tooLong(linked: readonly PeerId[]): PeerId[]
}

/** Which links say nothing any more. What others say about a peer does not count: they use other links. */
export function createSilence(clock: Pick<Clock, 'nowMs'>): Silence {
  let since = new Map<PeerId, number>() // bounded by the links: the rest is swept each time
  return {
    noted: (peer, onSilence) => () => {
      if (!since.has(peer)) since.set(peer, clock.nowMs())
      onSilence()
    },
    broken: (peer) => void since.delete(peer),
    tooLong(linked) {
      since = new Map([...since].filter(([peer]) => linked.includes(peer)))
      const silent = [...since].filter(([, atMs]) => clock.nowMs() - atMs >= SILENT_LINK_MS).map(([peer]) => peer)
      for (const peer of silent) since.delete(peer)
      return silent
    },
  }
}
