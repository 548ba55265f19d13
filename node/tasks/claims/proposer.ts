// Changes registers by compare-and-swap at a majority of the seats (decision 0001, "Registers"). One change a task runs
// at a time here; those of one moment share their messages. It decides nothing about tasks: the caller's pure function does.
import type { PeerId, RegisterKey } from '../../../protocols/ids.ts'
import type { RegisterValue } from '../../../protocols/records.ts'
import type { AcceptItem, Ballot, GroupConfig, KeeperAnswer, LinkMessage, PrepareItem } from '../../../protocols/streams.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import { isAbove } from './ballots.ts'
import { chunks } from './batches.ts'
import { INITIAL_VALUE, sameValue } from '../fold/fold.ts'
import { ASK_MS } from './lease-times.ts'
import type { Quorum } from './quorum.ts'
import { majorityOf } from './quorum.ts'

/** The new value, or why there is none. Called with a value that may later turn out stale: it must be pure. */
export type Decide = (current: RegisterValue) => RegisterValue | { refused: string }
export type Change = { changed: RegisterValue } | { refused: string; current: RegisterValue } | { unreachable: string }

export type ProposerComponents = {
  self: PeerId
  epoch: number
  clock: Clock
  random: Random
  quorum: Quorum
  config(): GroupConfig
  /** A seat answered with another version of the group. */
  onStale(seat: PeerId, config: GroupConfig): void
  preferredOf(task: RegisterKey): readonly [PeerId, number] | undefined
  /** A value that is chosen for certain: it belongs into the log. */
  onChosen(task: RegisterKey, value: RegisterValue): void
}

export type Proposer = {
  /** Settles with the outcome within `deadlineMs`, also when no majority answers. */
  change(task: RegisterKey, decide: Decide, deadlineMs: number): Promise<Change>
  /** Frees what is remembered of a settled task. */
  forget(task: RegisterKey): void
  /** For metrics and the simulator's rare states. */
  counters: { prepares: number; accepts: number; conflicts: number; oneRoundTrip: number; completed: number; unreachable: number }
}

type Phase = 'prepare' | 'accept' | 'pause'
type Op = {
  task: RegisterKey
  decide: Decide
  settle(change: Change): void
  deadlineAtMs: number
  phase: Phase
  ballot: Ballot
  answered: Map<PeerId, KeeperAnswer>
  proposed: RegisterValue
  /** What the value was built on; reported when the change is refused. */
  current: RegisterValue
  refused?: string
  tries: number
}
/** What an earlier change here left behind: the next promised ballot and the chosen value. */
type Known = { next: Ballot; value: RegisterValue }

const KNOWN_MAX = 200_000

export function createProposer(components: ProposerComponents): Proposer {
  const { self, clock, random, quorum } = components
  const ops = new Map<RegisterKey, Op>()
  const queued = new Map<RegisterKey, (() => void)[]>()
  const known = new Map<RegisterKey, Known>()
  const rounds = new Map<RegisterKey, number>()
  const counters = { prepares: 0, accepts: 0, conflicts: 0, oneRoundTrip: 0, completed: 0, unreachable: 0 }
  let preparing: Op[] = []
  let accepting: Op[] = []
  let flushing = false

  const enqueue = (list: Op[], op: Op): void => {
    list.push(op)
    if (flushing) return
    flushing = true
    queueMicrotask(flush)
  }
  const flush = (): void => {
    flushing = false
    const [prepares, accepts] = [preparing, accepting]
    preparing = []
    accepting = []
    for (const batch of chunks(prepares)) askBatch(batch, 'prepare')
    for (const batch of chunks(accepts)) askBatch(batch, 'accept')
  }
  const askBatch = (batch: readonly Op[], kind: 'prepare' | 'accept'): void => {
    const config = components.config()
    const ballots = new Map(batch.map((op) => [op.task, op.ballot]))
    counters[kind === 'prepare' ? 'prepares' : 'accepts'] += batch.length
    const live = (task: RegisterKey): Op | undefined => {
      const op = ops.get(task)
      return op !== undefined && op.phase === kind && op.ballot === ballots.get(task) ? op : undefined
    }
    const undecided = (): void => {
      for (const op of batch) if (live(op.task) !== undefined) again(op)
    }
    quorum.ask({
      seats: config.seats,
      timeoutMs: ASK_MS,
      message: (id): LinkMessage =>
        kind === 'prepare'
          ? { t: 'prepare', id, version: config.version, items: batch.map((op): PrepareItem => ({ task: op.task, ballot: op.ballot })) }
          : {
              t: 'accept',
              id,
              version: config.version,
              items: batch.map((op): AcceptItem => ({ task: op.task, ballot: op.ballot, value: op.proposed })),
            },
      answer: (seat, answer) => {
        if (answer.t === 'stale') components.onStale(seat, answer.config)
        if (answer.t !== 'answers') return
        for (const item of answer.items) {
          const op = live(item.task)
          if (op === undefined) continue
          op.answered.set(seat, item)
          evaluate(op, config)
        }
      },
      complete: undecided,
      timeout: undecided,
    })
  }

  /** Looks at all answers of one op and moves it on; called after each answer. */
  const evaluate = (op: Op, config: GroupConfig): void => {
    const answers = [...op.answered.values()]
    const majority = majorityOf(config.seats)
    const granted = answers.filter((answer) => answer.ok)
    if (granted.length >= majority) return op.phase === 'prepare' ? prepared(op, granted) : accepted(op)
    const outbid = answers.find((answer) => answer.promised !== undefined && !answer.ok)
    const blocking = config.seats.length - majority
    if (answers.filter((answer) => answer.full === true).length > blocking)
      return finish(op, { refused: 'names-full', current: op.current })
    if (answers.length - granted.length > blocking) {
      if (outbid !== undefined) counters.conflicts += 1
      again(op)
    }
  }
  const prepared = (op: Op, granted: readonly KeeperAnswer[]): void => {
    const highest = granted.reduce<KeeperAnswer['accepted']>(
      (best, answer) =>
        answer.accepted !== undefined && (best === undefined || isAbove(answer.accepted.ballot, best.ballot)) ? answer.accepted : best,
      undefined,
    )
    propose(op, highest?.value ?? INITIAL_VALUE)
  }
  const propose = (op: Op, current: RegisterValue): void => {
    op.current = current
    const next = op.decide(current)
    if (isRefusal(next)) {
      // Nothing to change. What was read may not be chosen yet: it is completed before anybody decides from it.
      op.refused = next.refused
      if (current.version === 0) return finish(op, { refused: op.refused, current })
      counters.completed += 1
      op.proposed = current
    } else op.proposed = next
    op.phase = 'accept'
    op.answered.clear()
    enqueue(accepting, op)
  }
  const accepted = (op: Op): void => {
    known.set(op.task, { next: [op.ballot[0] + 1, self], value: op.proposed })
    if (known.size > KNOWN_MAX) for (const oldest of known.keys()) if (known.delete(oldest)) break
    if (op.current.version > 0 && !sameValue(op.current, op.proposed)) components.onChosen(op.task, op.current)
    components.onChosen(op.task, op.proposed)
    finish(op, op.refused === undefined ? { changed: op.proposed } : { refused: op.refused, current: op.proposed })
  }
  const finish = (op: Op, change: Change): void => {
    ops.delete(op.task)
    op.settle(change)
    const waiting = queued.get(op.task)
    const next = waiting?.shift()
    if (waiting?.length === 0) queued.delete(op.task)
    next?.()
  }
  const again = (op: Op): void => {
    const highest = Math.max(op.ballot[0], ...[...op.answered.values()].map((answer) => answer.promised?.[0] ?? 0))
    rounds.set(op.task, Math.max(highest, rounds.get(op.task) ?? 0))
    known.delete(op.task)
    op.phase = 'pause'
    op.tries += 1
    if (clock.nowMs() >= op.deadlineAtMs) {
      counters.unreachable += 1
      return finish(op, { unreachable: 'no majority of keepers answered in time' })
    }
    clock.after(2 + random.next() * Math.min(200, 8 * 2 ** Math.min(op.tries, 5)), () => begin(op))
  }
  const begin = (op: Op): void => {
    delete op.refused
    op.answered.clear()
    const left = known.get(op.task)
    if (left !== undefined) {
      counters.oneRoundTrip += 1
      op.ballot = left.next
      return propose(op, left.value)
    }
    const preferred = components.preferredOf(op.task)
    const mayUseZero = preferred?.[0] === self && preferred[1] === components.epoch && !rounds.has(op.task)
    if (mayUseZero && !isRefusal(op.decide(INITIAL_VALUE))) {
      counters.oneRoundTrip += 1
      rounds.set(op.task, 0)
      op.ballot = [0, self]
      return propose(op, INITIAL_VALUE)
    }
    const round = (rounds.get(op.task) ?? 0) + 1
    rounds.set(op.task, round)
    op.ballot = [round, self]
    op.phase = 'prepare'
    enqueue(preparing, op)
  }

  return {
    change: (task, decide, deadlineMs) =>
      new Promise((settle) => {
        const start = (): void => {
          const op: Op = {
            task,
            decide,
            settle,
            deadlineAtMs: clock.nowMs() + deadlineMs,
            phase: 'pause',
            ballot: [0, ''],
            answered: new Map(),
            proposed: INITIAL_VALUE,
            current: INITIAL_VALUE,
            tries: 0,
          }
          ops.set(task, op)
          begin(op)
        }
        if (!ops.has(task)) return start()
        queued.set(task, [...(queued.get(task) ?? []), start])
      }),
    forget(task) {
      known.delete(task)
      if (!ops.has(task)) rounds.delete(task)
    },
    counters,
  }
}

function isRefusal(decided: RegisterValue | { refused: string }): decided is { refused: string } {
  return !('state' in decided)
}
