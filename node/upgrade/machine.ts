// The life of one upgrade at one worker, as a pure machine: events in, the next state and what is to be done out. It knows no clock,
// no disk and no mesh. A step is named by its run, so that the late answer of a step that was given up changes nothing.

export type Phase =
  | 'idle'
  | 'fetching'
  | 'waiting-canary'
  | 'staging'
  | 'proving'
  | 'waiting-turn'
  | 'switching'
  | 'watching'
  | 'done'
  | 'rolled-back'
  | 'paused'
  | 'refused'

export type UpgradeState = {
  phase: Phase
  /** What this process runs; undefined where its tree tells no commit. */
  running: string | undefined
  /** The newest commit seen on the branch. */
  head?: string
  /** The commit that the phase is about. */
  target?: string
  reason?: string
  /** Grows with each attempt; answers of earlier ones are ignored. */
  run: number
  /** Commits that are not tried again by themselves, with the reason; the oldest go first. */
  failed: readonly (readonly [commit: string, reason: string])[]
}

export type Step = 'fetch' | 'await-canary' | 'stage' | 'prove' | 'take-turn' | 'switch'
export type UpgradeEvent =
  | { on: 'head'; commit: string }
  | { on: 'stepped'; step: Step; run: number }
  /** `final`: the commit is at fault, not the moment; it is not tried again by itself. */
  | { on: 'failed'; run: number; reason: string; final: boolean }
  | { on: 'healthy' }
  | { on: 'pause' }
  | { on: 'resume' }
  | { on: 'now' }
  | { on: 'rollback'; to: string }
export type Effect = { do: Step; commit: string; run: number } | { do: 'release-turn' } | { do: 'stop-step' }
export type Next = { state: UpgradeState; effects: readonly Effect[] }

/** Remembered commits that failed. */
const FAILED_MAX = 32
/** Phases in which a step is under way that a newer head, a pause or an order may still stop. */
const STOPPABLE: ReadonlySet<Phase> = new Set(['fetching', 'waiting-canary', 'staging', 'proving', 'waiting-turn'])
/** The order of the steps, each with the phase that it is done in. */
const ORDER: readonly (readonly [Step, Phase])[] = [
  ['fetch', 'fetching'],
  ['await-canary', 'waiting-canary'],
  ['stage', 'staging'],
  ['prove', 'proving'],
  ['take-turn', 'waiting-turn'],
  ['switch', 'switching'],
]

/** What a process begins with: after a switch it watches itself, after a roll-back it says why, else it is idle. */
export function firstState(given: {
  running: string | undefined
  failed: UpgradeState['failed']
  onTrial: boolean
  rolledBack?: { commit: string; reason: string } | undefined
  paused: boolean
}): UpgradeState {
  const { running, rolledBack } = given
  const failed = rolledBack === undefined ? given.failed : remember(given.failed, rolledBack.commit, rolledBack.reason)
  const state: UpgradeState = { phase: 'idle', running, run: 0, failed }
  if (given.onTrial && running !== undefined) return { ...state, phase: 'watching', target: running }
  if (rolledBack !== undefined) return { ...state, phase: 'rolled-back', target: rolledBack.commit, reason: rolledBack.reason }
  return given.paused ? { ...state, phase: 'paused' } : state
}

export function nextState(state: UpgradeState, event: UpgradeEvent): Next {
  switch (event.on) {
    case 'head':
      return onHead({ ...state, head: event.commit }, event.commit)
    case 'stepped':
      return onStepped(state, event.step, event.run)
    case 'failed':
      return onFailed(state, event)
    case 'healthy':
      return state.phase === 'watching' ? { state: settled(state, 'done'), effects: [{ do: 'release-turn' }] } : same(state)
    case 'pause':
      return onPause(state)
    case 'resume': {
      if (state.phase !== 'paused') return same(state)
      const awake: UpgradeState = { ...state, phase: 'idle' }
      return awake.head === undefined ? same(awake) : onHead(awake, awake.head)
    }
    case 'now':
      return onNow(state)
    case 'rollback':
      return onRollback(state, event.to)
  }
}

function onHead(state: UpgradeState, commit: string): Next {
  const { phase } = state
  if (phase === 'paused' || phase === 'switching' || phase === 'watching' || commit === state.running) return same(state)
  if (reasonOf(state, commit) !== undefined) return same(state)
  if (STOPPABLE.has(phase) && (state.target === commit || isGoingBack(state))) return same(state)
  return begin(state, commit)
}

function onStepped(state: UpgradeState, step: Step, run: number): Next {
  const at = ORDER.findIndex(([one]) => one === step)
  const next = ORDER[at + 1]
  if (run !== state.run || ORDER[at]?.[1] !== state.phase || state.target === undefined || next === undefined) return same(state)
  const { reason: _over, ...kept } = state
  return { state: { ...kept, phase: next[1] }, effects: [{ do: next[0], commit: state.target, run }] }
}

function onFailed(state: UpgradeState, { run, reason, final }: { run: number; reason: string; final: boolean }): Next {
  if (run !== state.run || state.target === undefined || (!STOPPABLE.has(state.phase) && state.phase !== 'switching')) return same(state)
  const effects: Effect[] = state.phase === 'waiting-turn' || state.phase === 'switching' ? [{ do: 'release-turn' }] : []
  if (!final) return { state: { ...state, phase: 'idle', reason }, effects }
  return { state: { ...state, phase: 'refused', reason, failed: remember(state.failed, state.target, reason) }, effects }
}

function onPause(state: UpgradeState): Next {
  if (state.phase === 'switching' || state.phase === 'watching' || state.phase === 'paused') return same(state)
  return stopped(settled(state, 'paused'), state)
}

/** By hand: what failed before is tried again. */
function onNow(state: UpgradeState): Next {
  if (state.phase === 'switching' || state.phase === 'watching') return same(state)
  const { head } = state
  const failed = state.failed.filter(([commit]) => commit !== head)
  if (head === undefined || head === state.running) return same({ ...state, failed })
  if (STOPPABLE.has(state.phase) && state.target === head) return same({ ...state, failed })
  return begin({ ...state, failed }, head)
}

/** Back to the version before: it was proven when it came, so only the turn is waited for. */
function onRollback(state: UpgradeState, to: string): Next {
  if (state.phase === 'switching' || state.phase === 'watching' || to === state.running) return same(state)
  const failed = state.running === undefined ? state.failed : remember(state.failed, state.running, 'it was rolled back by hand')
  const run = state.run + 1
  const { reason: _over, ...kept } = state
  return {
    state: { ...kept, failed, run, phase: 'waiting-turn', target: to },
    effects: [{ do: 'stop-step' }, { do: 'take-turn', commit: to, run }],
  }
}

/** A head that is seen while the worker goes back to an older version does not stop that. */
function isGoingBack(state: UpgradeState): boolean {
  return state.running !== undefined && state.phase === 'waiting-turn' && reasonOf(state, state.running) !== undefined
}

function begin(state: UpgradeState, commit: string): Next {
  const run = state.run + 1
  const { reason: _over, ...kept } = state
  const fresh: UpgradeState = { ...kept, run, phase: 'fetching', target: commit }
  return { state: fresh, effects: [...stopped(fresh, state).effects, { do: 'fetch', commit, run }] }
}

/** Ends what was under way in `before`. */
function stopped(state: UpgradeState, before: UpgradeState): Next {
  if (!STOPPABLE.has(before.phase)) return same(state)
  const release: readonly Effect[] = before.phase === 'waiting-turn' ? [{ do: 'release-turn' }] : []
  return { state: { ...state, run: before.run + 1 }, effects: [{ do: 'stop-step' }, ...release] }
}

function settled(state: UpgradeState, phase: Phase): UpgradeState {
  const { target: _target, reason: _reason, ...kept } = state
  return phase === 'done' && state.target !== undefined ? { ...kept, phase, target: state.target } : { ...kept, phase }
}

function reasonOf(state: UpgradeState, commit: string): string | undefined {
  return state.failed.find(([one]) => one === commit)?.[1]
}

function remember(failed: UpgradeState['failed'], commit: string, reason: string): UpgradeState['failed'] {
  return [...failed.filter(([one]) => one !== commit), [commit, reason] as const].slice(-FAILED_MAX)
}

function same(state: UpgradeState): Next {
  return { state, effects: [] }
}
