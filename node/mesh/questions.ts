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
