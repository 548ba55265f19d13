// One change of a register on its way: what was asked, what was answered. Only data; the proposer moves it.
import type { PeerId, RegisterKey } from '../../../../protocols/ids.ts'
import type { RegisterValue } from '../../../../protocols/records.ts'
import type { GroupConfig, KeeperVerdict } from '../../../../protocols/streams.ts'
import type { Clock } from '../../../kernel/clock.ts'
import type { Random } from '../../../kernel/random.ts'
import { INITIAL_VALUE } from '../../fold/task-state.ts'
import type { Quorum } from '../quorum.ts'

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

export type Kind = 'prepare' | 'accept'
export type Question = { kind: Kind; ops: readonly Op[]; config: GroupConfig; byTask: Map<RegisterKey, Op> | undefined; open: number }
export type Op = {
  task: RegisterKey
  decide: Decide
  done(task: RegisterKey, change: Change): void
  deadlineAtMs: number
  kind: Kind
  /** The round of its ballot; the node of its ballot is this one. */
  round: number
  /** The question whose answers count; none while it pauses. */
  asked: Question | undefined
  granted: number
  refusals: number
  full: number
  /** The highest round that a seat has promised to somebody. */
  outbidBy: number
  highest: KeeperVerdict['accepted'] | undefined
  proposed: RegisterValue
  /** What the value was built on; reported when the change is refused. */
  current: RegisterValue
  refused: string | undefined
  tries: number
}
export function newOp(task: RegisterKey, decide: Decide, done: Op['done'], deadlineAtMs: number): Op {
  return {
    task,
    decide,
    done,
    deadlineAtMs,
    kind: 'prepare',
    round: 0,
    asked: undefined,
    granted: 0,
    refusals: 0,
    full: 0,
    outbidBy: -1,
    highest: undefined,
    proposed: INITIAL_VALUE,
    current: INITIAL_VALUE,
    refused: undefined,
    tries: 0,
  }
}

export function isRefusal(decided: RegisterValue | { refused: string }): decided is { refused: string } {
  return !('state' in decided)
}
