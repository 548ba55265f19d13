// The steps of an upgrade as this node carries them out: what the machine orders, joined to disk, processes, mesh and queue.
import { join } from 'node:path'
import type { PeerId } from '../../../protocols/ids.ts'
import { type Clock, sleep } from '../../kernel/clock.ts'
import { readSignedCommit } from '../../repos/signed-commit.ts'
import { runStep } from '../../runner/commands/run-step.ts'
import { startVersion } from '../../runner/commands/version-process.ts'
import type { Step } from '../../upgrade/machine.ts'
import { policyObjection, type UpgradeOptions } from '../../upgrade/policy.ts'
import { prove } from '../../upgrade/stage/prove.ts'
import { protocolOf, type Stage } from '../../upgrade/stage/stage.ts'
import type { Version } from '../../upgrade/supervise/pointer.ts'
import { canaryVerdict, seatObjection, skewObjection } from '../../upgrade/turn.ts'
import { Objection } from '../../upgrade/upgrader.ts'
import type { MeshFacts } from './mesh-facts.ts'
import type { TurnHolder } from './turn-holder.ts'

export type StepComponents = {
  self: PeerId
  clock: Clock
  dataDir: string
  options: UpgradeOptions
  environment: Readonly<Record<string, string>>
  stage: Stage
  turn: Pick<TurnHolder, 'take'>
  facts: MeshFacts
  pushedBy(commit: string): PeerId | undefined
  /** The versions that the pointer names. */
  known(commit: string): Version | undefined
  staged(dist: { commit: string; hash: string }): void
  /** What the step under way waits for; undefined where for nothing. */
  waits(why: string | undefined): void
  /** Ends this process in favour of that version. */
  handOver(version: Version, patienceMs: number): void
}

const LOOK_MS = 250
const CHECK_MS_MAX = 600_000
/** A version that took so long to be proven here gets so many times that to be healthy: a busy machine is no fault of the commit. */
const PATIENCE_FACTOR = 3
/** Of a version that ran here before and needs no proof. */
const KNOWN_PATIENCE_MS = 120_000

export function createSteps(components: StepComponents): Record<Step, (commit: string, signal: AbortSignal) => Promise<void>> {
  const { self, clock, options, stage, facts, waits } = components
  const provenMs = new Map<string, number>()
  const mayGo = (commit: string): string | undefined => {
    const verdict = canaryVerdict(self, commit, facts.fellows())
    if ('stop' in verdict) throw new Objection(verdict.stop, true)
    return verdict.go ? undefined : verdict.why
  }
  /** Looks until nothing objects; undefined is no objection. */
  const untilFree = async (signal: AbortSignal, look: () => Promise<string | undefined> | string | undefined): Promise<void> => {
    for (;;) {
      const why = await look()
      waits(why)
      if (why === undefined || signal.aborted) return
      await sleep(clock, LOOK_MS)
    }
  }
  return {
    async fetch(commit, signal) {
      const { policy } = options
      const before = await policyObjection({ ...options, policy: policy === 'signed' ? 'none' : policy }, checkOf(commit))
      if (before !== undefined) throw new Objection(before.reason, before.final)
      await stage.fetch(commit, signal)
      const after = await policyObjection(options, checkOf(commit))
      if (after !== undefined) throw new Objection(after.reason, after.final)
    },
    'await-canary': (commit, signal) => untilFree(signal, () => mayGo(commit)),
    async stage(commit, signal) {
      const { dist } = await stage.complete(commit, facts.distOf(commit), signal)
      if (!signal.aborted) components.staged({ commit, hash: dist })
    },
    async prove(commit, signal) {
      const dir = stage.dirOf(commit)
      const { environment } = components
      const startMs = clock.nowMs()
      await prove(
        { clock, scratchDir: join(components.dataDir, 'versions', 'scratch'), environment, start: startVersion },
        dir,
        commit,
        signal,
      )
      provenMs.clear()
      provenMs.set(commit, clock.nowMs() - startMs)
      if (options.check.length === 0) return
      const end = await runStep(clock, {
        argv: options.check,
        cwd: dir,
        env: environment,
        timeoutMs: CHECK_MS_MAX,
        onOutput: () => {},
        signal,
      })
      if (end.exitCode !== 0) throw new Objection(`its check ended with ${end.exitCode}: ${end.output.trim().slice(-300)}`, true)
    },
    async 'take-turn'(commit, signal) {
      const goesBack = components.known(commit) !== undefined
      const protocol = await protocolOf(components.known(commit)?.dir ?? stage.dirOf(commit))
      await untilFree(signal, async () => {
        const why = (goesBack ? undefined : mayGo(commit)) ?? skewObjection(protocol, facts.spoken()) ?? seatObjection(self, facts.group())
        return why ?? components.turn.take(commit)
      })
    },
    switch(commit, signal) {
      const proven = provenMs.get(commit)
      const patienceMs = proven === undefined ? KNOWN_PATIENCE_MS : proven * PATIENCE_FACTOR
      components.handOver(components.known(commit) ?? { commit, dir: stage.dirOf(commit) }, patienceMs)
      // The process ends; until then the step is under way.
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    },
  }

  function checkOf(commit: string) {
    const pusher = components.pushedBy(commit)
    const vouched = [...facts.vouched(commit), ...(pusher !== undefined && facts.isAdmin(pusher) ? [facts.nameOf(pusher)] : [])]
    return { vouched, signed: () => readSignedCommit(stage.dirOf(commit), commit) }
  }
}
