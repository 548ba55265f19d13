// Changes registers by compare-and-swap at a majority of the seats (decision 0001, "Registers"). One change a task runs
// at a time here; those of one moment share their messages. It decides nothing about tasks: the caller's pure function does.
import type { PeerId, RegisterKey } from '../../../protocols/ids.ts'
import type { RegisterValue } from '../../../protocols/records.ts'
import type { Ballot, KeeperVerdict } from '../../../protocols/streams.ts'
import { remembered } from '../../kernel/batching.ts'
import { isAbove } from './ballots.ts'
import { acceptMessage, chunks, eachAnswer, prepareMessage } from './registers/batches.ts'
import { INITIAL_VALUE, sameValue } from '../fold/fold.ts'
import { ASK_MS } from './lease-times.ts'
import { majorityOf } from './quorum.ts'
import type { Change, Decide, Kind, Op, ProposerComponents, Question } from './registers/register-op.ts'
import { isRefusal, newOp } from './registers/register-op.ts'

export type { Change, Decide } from './registers/register-op.ts'

export type Proposer = {
  /** Settles with the outcome within `deadlineMs`, also when no majority answers. */
  change(task: RegisterKey, decide: Decide, deadlineMs: number): Promise<Change>
  /** The same for many tasks; `done` is called once for each. Tasks that share `decide` share messages and values. */
  changeAll(tasks: readonly RegisterKey[], decide: Decide, deadlineMs: number, done: (task: RegisterKey, change: Change) => void): void
  /** Frees what is remembered of a settled task. */
  forget(task: RegisterKey): void
  /** For metrics and the simulator's rare states. */
  counters: { prepares: number; accepts: number; conflicts: number; oneRoundTrip: number; completed: number; unreachable: number }
}

/** What an earlier change here left behind: the next promised round and the chosen value. */
type Known = { round: number; value: RegisterValue }

const KNOWN_MAX = 200_000
/** Questions under way before further changes gather: a busy proposer sends few large messages. */
const QUESTIONS_MAX = 3
/** The longest wait for the answers to one question, when the ones before came late. */
const PATIENCE_MAX_MS = ASK_MS * 8

export function createProposer(components: ProposerComponents): Proposer {
  const { self, clock, random, quorum } = components
  const ops = new Map<RegisterKey, Op>()
  const queued = new Map<RegisterKey, (() => void)[]>()
  const known = new Map<RegisterKey, Known>()
  const rounds = new Map<RegisterKey, number>()
  const counters = { prepares: 0, accepts: 0, conflicts: 0, oneRoundTrip: 0, completed: 0, unreachable: 0 }
  let preparing: Op[] = []
  let accepting: Op[] = []
  let pausing: Op[] = []
  let flushing = false
  let underWay = 0
  let patienceMs = ASK_MS

  const soon = (): void => {
    if (flushing) return
    flushing = true
    queueMicrotask(flush)
  }
  const flush = (): void => {
    flushing = false
    rest()
    if (underWay >= QUESTIONS_MAX) return
    const [prepares, accepts] = [preparing, accepting]
    preparing = []
    accepting = []
    for (const batch of chunks(prepares)) ask('prepare', batch)
    for (const batch of chunks(accepts)) ask('accept', batch)
  }
  /** Those that failed together try again together. */
  const rest = (): void => {
    const groups = Map.groupBy(pausing, (op) => op.tries)
    pausing = []
    for (const [tries, group] of groups)
      clock.after(2 + random.next() * Math.min(200, 8 * 2 ** Math.min(tries, 5)), () => {
        for (const op of group) begin(op)
      })
  }
  const ask = (kind: Kind, batch: readonly Op[]): void => {
    const config = components.config()
    const question: Question = { kind, ops: batch, config, byTask: undefined, open: batch.length }
    counters[kind === 'prepare' ? 'prepares' : 'accepts'] += batch.length
    underWay += 1
    const ballotOf = remembered((round: number, node: PeerId): Ballot => [round, node])
    const items = batch.map((op) => ({ task: op.task, ballot: ballotOf(op.round, self), value: op.proposed }))
    for (const op of batch) op.asked = question
    const askedMs = clock.nowMs()
    const over = (): void => {
      // Where everybody is slow, asking again sooner would only add to it.
      if (question.open > 0) patienceMs = Math.min(PATIENCE_MAX_MS, patienceMs * 2)
      else patienceMs = Math.max(ASK_MS, Math.min(patienceMs, (clock.nowMs() - askedMs) * 3))
      for (const op of batch) if (op.asked === question) again(op)
    }
    quorum.ask({
      seats: config.seats,
      timeoutMs: patienceMs,
      message(id) {
        const request = { id, version: config.version }
        return kind === 'accept'
          ? acceptMessage(request, items)
          : prepareMessage(
              request,
              items.map(({ task, ballot }) => ({ task, ballot })),
            )
      },
      answer(seat, answer) {
        if (answer.t === 'stale') components.onStale(seat, answer.config)
        if (answer.t !== 'answers' && answer.t !== 'answers-runs') return
        const byTask = (question.byTask ??= new Map(batch.map((op) => [op.task, op])))
        eachAnswer(answer, batch, (task, one) => {
          const op = byTask.get(task)
          if (op !== undefined) hear(op, question, one)
        })
      },
      complete: over,
      timeout: over,
    })
  }
  /** The op waits for this question no more. */
  const leave = (op: Op): void => {
    const question = op.asked
    op.asked = undefined
    if (question === undefined) return
    question.open -= 1
    if (question.open > 0) return
    underWay -= 1
    if (preparing.length + accepting.length > 0) soon()
  }
  /** Takes in one seat's answer and moves the op on where that decides it. */
  const hear = (op: Op, question: Question, answer: KeeperVerdict): void => {
    if (op.asked !== question) return
    if (answer.settled !== undefined) return ended(op, answer.settled)
    const { config } = question
    const majority = majorityOf(config.seats)
    if (answer.ok) {
      op.granted += 1
      const { accepted } = answer
      if (accepted !== undefined && (op.highest === undefined || isAbove(accepted.ballot, op.highest.ballot))) op.highest = accepted
      if (op.granted < majority) return
      leave(op)
      return question.kind === 'prepare' ? propose(op, op.highest?.value ?? INITIAL_VALUE) : chosen(op)
    }
    op.refusals += 1
    if (answer.full === true) op.full += 1
    if (answer.promised !== undefined) op.outbidBy = Math.max(op.outbidBy, answer.promised[0])
    const blocking = config.seats.length - majority
    if (op.full > blocking) return finish(op, { refused: 'names-full', current: op.current })
    if (op.refusals <= blocking) return
    if (op.outbidBy >= 0) counters.conflicts += 1
    again(op)
  }
  const decided = remembered((decide: Decide, current: RegisterValue) => decide(current))
  const propose = (op: Op, current: RegisterValue): void => {
    op.current = current
    const next = decided(op.decide, current)
    if (isRefusal(next)) {
      // Nothing to change. What was read may not be chosen yet: it is completed before anybody decides from it.
      op.refused = next.refused
      if (current.version === 0) return finish(op, { refused: op.refused, current })
      counters.completed += 1
      op.proposed = current
    } else op.proposed = next
    turnTo(op, 'accept', accepting)
  }
  const turnTo = (op: Op, kind: Kind, list: Op[]): void => {
    op.kind = kind
    op.granted = 0
    op.refusals = 0
    op.full = 0
    op.outbidBy = -1
    op.highest = undefined
    list.push(op)
    soon()
  }
  const chosen = (op: Op): void => {
    const before = known.get(op.task)
    known.set(op.task, { round: op.round + 1, value: op.proposed })
    if (before === undefined && known.size > KNOWN_MAX) for (const oldest of known.keys()) if (known.delete(oldest)) break
    if (op.current.version > 0 && op.current !== op.proposed && !sameValue(op.current, op.proposed))
      components.onChosen(op.task, op.current)
    components.onChosen(op.task, op.proposed)
    finish(op, op.refused === undefined ? { changed: op.proposed } : { refused: op.refused, current: op.proposed })
  }
  /** A seat holds the last value in its log: whatever was wanted comes too late, or has been done. */
  const ended = (op: Op, value: RegisterValue): void => {
    const next = decided(op.decide, value)
    if (value.state !== 'settled' || !isRefusal(next)) return
    components.onChosen(op.task, value)
    finish(op, { refused: next.refused, current: value })
  }
  const finish = (op: Op, change: Change): void => {
    leave(op)
    ops.delete(op.task)
    op.done(op.task, change)
    const waiting = queued.get(op.task)
    const next = waiting?.shift()
    if (waiting?.length === 0) queued.delete(op.task)
    next?.()
  }
  const again = (op: Op): void => {
    leave(op)
    // An accept promised its seat the next round as well: a prepare has to be above that.
    rounds.set(op.task, Math.max(op.round + (op.kind === 'accept' ? 1 : 0), op.outbidBy, rounds.get(op.task) ?? 0))
    known.delete(op.task)
    op.tries += 1
    if (clock.nowMs() >= op.deadlineAtMs) {
      counters.unreachable += 1
      return finish(op, { unreachable: 'no majority of keepers answered in time' })
    }
    pausing.push(op)
    soon()
  }
  const begin = (op: Op): void => {
    op.refused = undefined
    const left = known.get(op.task)
    if (left !== undefined) {
      counters.oneRoundTrip += 1
      op.round = left.round
      return propose(op, left.value)
    }
    const preferred = components.preferredOf(op.task)
    const mayUseZero = preferred?.[0] === self && preferred[1] === components.epoch && !rounds.has(op.task)
    if (mayUseZero && !isRefusal(decided(op.decide, INITIAL_VALUE))) {
      counters.oneRoundTrip += 1
      rounds.set(op.task, 0)
      op.round = 0
      return propose(op, INITIAL_VALUE)
    }
    op.round = (rounds.get(op.task) ?? 0) + 1
    rounds.set(op.task, op.round)
    turnTo(op, 'prepare', preparing)
  }
  const start = (task: RegisterKey, decide: Decide, deadlineMs: number, done: Op['done']): void => {
    const run = (): void => {
      const op = newOp(task, decide, done, clock.nowMs() + deadlineMs)
      ops.set(task, op)
      begin(op)
    }
    if (!ops.has(task)) return run()
    queued.set(task, [...(queued.get(task) ?? []), run])
  }

  return {
    change: (task, decide, deadlineMs) => new Promise((settle) => start(task, decide, deadlineMs, (_, change) => settle(change))),
    changeAll(tasks, decide, deadlineMs, done) {
      for (const task of tasks) start(task, decide, deadlineMs, done)
    },
    forget(task) {
      known.delete(task)
      if (!ops.has(task)) rounds.delete(task)
    },
    counters,
  }
}
