// This worker's hand on the turn: takes it, and gives it back until the keepers know. The others wait for nothing else, so a release whose
// outcome is not known is repeated; and nothing is taken before that is over, or the repetition would give away what was taken anew.
import type { NameKey, PeerId } from '../../../protocols/ids.ts'
import type { Turn } from '../../../protocols/tasks/upgrade-records.ts'
import { type Clock, sleep } from '../../kernel/clock.ts'
import type { Naming } from '../../tasks/names/naming.ts'
import { giveTurn, takeTurn, turnOf } from '../../upgrade/turn.ts'
import type { MeshFacts } from './mesh-facts.ts'

export type TurnHolder = {
  current(): Turn | undefined
  /** Undefined where it is taken now; else why not. */
  take(commit: string): Promise<string | undefined>
  /** Settles when the keepers know that this worker does not have it. */
  release(): Promise<void>
  stop(): void
}
type TurnHolderComponents = {
  self: PeerId
  clock: Clock
  names: Pick<Naming, 'operate' | 'newest' | 'newestSinceMs'>
  facts: Pick<MeshFacts, 'isMember' | 'isAlive' | 'nameOf'>
}

/** Every version knows locks: the turn lies in the register of one that nobody can take by accident. */
const TURN_KEY = '@lock/nimbus: the turn to move to another version' as NameKey
const ASK_MS = 5_000
const AGAIN_MS = 500
/** A worker that had the turn and is silent for so long has lost it. */
const TURN_DEAD_MS = 300_000

export function createTurnHolder({ self, clock, names, facts }: TurnHolderComponents): TurnHolder {
  const startedMs = clock.nowMs()
  let releasing: Promise<void> | undefined
  let stopped = false
  const current = (): Turn | undefined => turnOf(names.newest(TURN_KEY))
  const isOver = (held: Turn): boolean => {
    if (!facts.isMember(held.node)) return true
    return !facts.isAlive(held.node) && clock.nowMs() - Math.max(startedMs, names.newestSinceMs(TURN_KEY)) > TURN_DEAD_MS
  }
  const releaseUntilKnown = async (): Promise<void> => {
    while (!stopped) {
      // Not asked of what this node knows: that may be older than what the keepers have.
      const change = await names.operate(TURN_KEY, (operation) => giveTurn(self, operation), ASK_MS)
      if (!('unreachable' in change)) return
      await sleep(clock, AGAIN_MS)
    }
  }
  return {
    current,
    async take(commit) {
      await releasing
      const turn: Turn = { node: self, commit, sinceMs: clock.wallMs() }
      const change = await names.operate(TURN_KEY, (operation) => takeTurn(turn, isOver, operation), ASK_MS)
      if ('changed' in change || ('refused' in change && change.refused === 'mine')) return undefined
      if ('unreachable' in change) return 'no majority of the keepers answers'
      const holder = current()
      return holder === undefined ? `the keepers refuse: ${change.refused}` : `${facts.nameOf(holder.node)} has the turn`
    },
    release: () => (releasing ??= releaseUntilKnown().finally(() => (releasing = undefined))),
    stop: () => void (stopped = true),
  }
}
