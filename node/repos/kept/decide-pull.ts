// What a pull finds, and what may be done about it. Pure. Nothing here throws work away: whatever would, is a choice of a person.

export type PullFacts = {
  branch: string
  /** Where the work tree stands, and what its branch was upstream when it was looked at last. */
  local: string
  seen: string | undefined
  /** What the branch is upstream now; undefined where it is gone. */
  upstream: string | undefined
  /** The default branch upstream now, and whether this tree follows it. */
  defaultBranch: string | undefined
  followsDefault: boolean
  /** Files that differ from the commit it stands at, new ones included. */
  changed: number
  /** `local` is part of `upstream`; the other way round; `seen` is part of `upstream`. */
  localIsBehind: boolean
  localIsAhead: boolean
  seenIsKept: boolean
}
export type PullState = 'current' | 'ahead' | 'updated' | 'local-changes' | 'diverged' | 'force-pushed' | 'default-renamed' | 'ref-deleted'
export type PullChoice = 'keep' | 'reset' | 'branch'
/** `move`: to where the tree is to be brought; where a choice is needed it happens only by it. */
export type PullDecision = { state: PullState; message: string; choices: PullChoice[]; move?: { branch: string; to: string | undefined } }

const CHOICES: PullChoice[] = ['keep', 'reset', 'branch']

export function decidePull(facts: PullFacts): PullDecision {
  const { branch, local, seen, upstream, defaultBranch, changed } = facts
  const files = `${changed} changed file${changed === 1 ? '' : 's'}`
  if (upstream === undefined) {
    if (facts.followsDefault && defaultBranch !== undefined && defaultBranch !== branch)
      return conflict('default-renamed', `The default branch was ${branch} and is ${defaultBranch} now.`, {
        branch: defaultBranch,
        to: undefined,
      })
    return conflict('ref-deleted', `The branch ${branch} is no longer there upstream.`, { branch: defaultBranch ?? branch, to: undefined })
  }
  const move = { branch, to: upstream }
  if (upstream === local)
    return { state: 'current', message: `${branch} is up to date${changed > 0 ? `, with ${files}` : ''}.`, choices: [] }
  if (facts.localIsBehind) {
    if (changed > 0) return conflict('local-changes', `${branch} has moved upstream, and there are ${files} here.`, move)
    return { state: 'updated', message: `${branch} moved forward.`, choices: [], move }
  }
  if (seen !== undefined && !facts.seenIsKept)
    return conflict(
      'force-pushed',
      `${branch} was rewritten upstream: what it was before (${seen.slice(0, 12)}) is no part of it any more.`,
      move,
    )
  if (facts.localIsAhead) return { state: 'ahead', message: `${branch} has commits here that are not upstream.`, choices: [] }
  return conflict('diverged', `${branch} has commits here and other ones upstream.`, move)
}

function conflict(state: PullState, message: string, move: PullDecision['move']): PullDecision {
  return { state, message, choices: CHOICES, ...(move === undefined ? {} : { move }) }
}
