// Asks the register of a hosted repository to move branches and tags, and says of each why it did not. Nothing here looks at objects.
import type { PeerId } from '../../../protocols/ids.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Names } from '../../tasks/names/names.ts'
import { type Head, headsOf, keyOf, moveRefs, type RefMove, staleMoves } from './heads.ts'
import type { MoveOutcome } from '../serving/receive.ts'

export type MovingComponents = {
  clock: Pick<Clock, 'wallMs'>
  names: Pick<Names, 'operate'>
  nameOf(peer: PeerId): string
}
export type Moving = (repo: string, moves: readonly RefMove[], by: PeerId, isAtomic: boolean) => Promise<Map<string, MoveOutcome>>

const MOVE_MS = 10_000

export function createMoving({ clock, names, nameOf }: MovingComponents): Moving {
  return async (repo, moves, by, isAtomic) => {
    const outcomes = new Map<string, MoveOutcome>()
    const refuse = (some: readonly RefMove[], reason: string): void => some.forEach(({ ref }) => outcomes.set(ref, { reason }))
    let open = moves
    while (open.length > 0) {
      const asked = open
      open = []
      const change = await names.operate(keyOf(repo), (operation) => moveRefs(asked, { by, wallMs: clock.wallMs() }, operation), MOVE_MS)
      if ('unreachable' in change) refuse(asked, unreachable())
      else if ('changed' in change || change.refused === 'done') asked.forEach(({ ref }) => outcomes.set(ref, 'moved'))
      else if (change.refused === 'stale') {
        const stale = new Set(staleMoves(change.current, asked))
        const now = new Map(headsOf(change.current).map((head) => [head.ref, head]))
        for (const { ref, to } of stale) {
          const head = now.get(ref)
          // An earlier push that was told of no majority may have counted after all: then it is where it should be.
          if (head?.commit === to) outcomes.set(ref, 'moved')
          else outcomes.set(ref, { reason: staleReason(head, nameOf) })
        }
        const others = asked.filter((move) => !stale.has(move))
        if (isAtomic) refuse(others, 'another ref of this atomic push was refused')
        else open = others
      } else refuse(asked, full(change.refused))
    }
    return outcomes
  }
}

function staleReason(head: Head | undefined, nameOf: MovingComponents['nameOf']): string {
  if (head === undefined) return 'stale: it was removed meanwhile'
  return `stale: ${nameOf(head.by)} moved it to ${head.commit.slice(0, 12)}; fetch first`
}

function unreachable(): string {
  return `no majority of the keepers answered within ${MOVE_MS / 1000} s, and a minority moves no branch; once they are back, git fetch shows where it stands`
}

function full(code: string): string {
  return code === 'names-full'
    ? 'the keepers keep as many names as they may and take no new one'
    : 'the repository has as many branches and tags as it may; remove some'
}
