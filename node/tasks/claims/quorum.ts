// Questions to the seats of a group and the way their answers come back. A seat that is this node is asked like any
// other. Every question settles: by answers, or by its time-out.
import type { PeerId } from '../../../protocols/ids.ts'
import type { LinkMessage } from '../../../protocols/streams.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'

export type QuorumComponents = {
  self: PeerId
  clock: Clock
  send(peer: PeerId, message: LinkMessage): boolean
  /** How this node's own seat answers; the answer comes through `reply`, later or at once. */
  askSelf(message: LinkMessage, reply: (answer: LinkMessage) => void): void
}

export type Question = {
  seats: readonly PeerId[]
  message(id: number): LinkMessage
  /** Called at most once a seat, never after `timeout`. */
  answer(seat: PeerId, answer: LinkMessage): void
  /** Every seat has answered; no time-out will come. */
  complete?(): void
  timeout(): void
  timeoutMs: number
}

export type Quorum = {
  ask(question: Question): Cancel
  /** An answer from a peer; false where nobody waits for it (late or unasked). */
  onAnswer(from: PeerId, id: number, answer: LinkMessage): boolean
}

/** Open questions; beyond it the oldest is timed out at once. */
const OPEN_MAX = 10_000

export function createQuorum(components: QuorumComponents, firstId: number): Quorum {
  const { self, clock, send } = components
  const open = new Map<number, { question: Question; asked: Set<PeerId>; close: Cancel }>()
  let nextId = firstId

  const deliver = (from: PeerId, id: number, answer: LinkMessage): boolean => {
    const entry = open.get(id)
    if (entry === undefined || !entry.asked.delete(from)) return false
    entry.question.answer(from, answer)
    if (entry.asked.size > 0) return true
    entry.close()
    entry.question.complete?.()
    return true
  }
  const expireOldest = (): void => {
    for (const [, entry] of open) {
      entry.close()
      return entry.question.timeout()
    }
  }

  return {
    ask(question) {
      if (open.size >= OPEN_MAX) expireOldest()
      const id = nextId++
      const timer = clock.after(question.timeoutMs, () => {
        open.delete(id)
        question.timeout()
      })
      const close = (): void => {
        timer()
        open.delete(id)
      }
      open.set(id, { question, asked: new Set(question.seats), close })
      const message = question.message(id)
      for (const seat of question.seats) {
        if (seat === self) components.askSelf(message, (answer) => void deliver(self, id, answer))
        else send(seat, message)
      }
      return close
    },
    onAnswer: deliver,
  }
}

/** More than half. */
export function majorityOf(seats: readonly unknown[]): number {
  return Math.floor(seats.length / 2) + 1
}

export function hasMajority<Seat>(seats: readonly Seat[], isHere: (seat: Seat) => boolean): boolean {
  return seats.filter(isHere).length >= majorityOf(seats)
}
