// Upgrades as the API asks for them: how far this worker is, what all run, and the orders of the operator.
import type { UpgradeView } from '../../../protocols/http/upgrade.ts'
import type { Turn } from '../../../protocols/tasks/upgrade-records.ts'
import type { UpgradePort } from '../../api/ports.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { UpgradeEvent, UpgradeState } from '../../upgrade/machine.ts'
import { followText, type UpgradeOptions } from '../../upgrade/policy.ts'
import type { Version } from '../../upgrade/supervise/pointer.ts'
import type { MeshFacts } from './mesh-facts.ts'

export type UpgradePortComponents = {
  options: Pick<UpgradeOptions, 'follow' | 'policy'>
  facts: Pick<MeshFacts, 'views' | 'nameOf'>
  state(): UpgradeState
  turn(): Turn | undefined
  waiting(): string | undefined
  /** Why the repository cannot be asked. */
  trouble(): string | undefined
  previous(): Version | undefined
  on(event: UpgradeEvent): void
  /** Looks where the branch stands; settles when the server has answered or failed. */
  look(): Promise<void>
  refresh(): Promise<void>
  vouch(commit: string): void
  assertAdmin(deed: string): void
}

export function createUpgradePort(components: UpgradePortComponents): UpgradePort {
  const { facts } = components
  const { policy } = components.options
  const follows = followText(components.options.follow)
  return {
    view() {
      const { phase, running, head, target, reason, failed } = components.state()
      const turn = components.turn()
      return {
        follows,
        policy,
        phase,
        running: running ?? null,
        previous: components.previous()?.commit ?? null,
        head: head ?? null,
        target: target ?? null,
        reason: reason ?? components.trouble() ?? null,
        waiting: components.waiting() ?? null,
        turn:
          turn === undefined ? null : { worker: turn.node, workerName: facts.nameOf(turn.node), commit: turn.commit, since: turn.sinceMs },
        failed: failed.map(([commit, why]) => ({ commit, reason: why })),
        workers: facts.views(),
      }
    },
    async order(order) {
      if (order === 'now') await components.look()
      if (order !== 'rollback') return components.on({ on: order })
      await components.refresh()
      const previous = components.previous()
      if (previous === undefined)
        throw new NimbusError('no-version-before', 'There is no version before this one in the data folder: nothing was upgraded yet.', {
          kind: 'missing',
          cure: 'nimbus upgrade status tells what runs.',
        })
      components.on({ on: 'rollback', to: previous.commit })
    },
    async vouch(commit) {
      components.assertAdmin('vouch for a commit')
      if (commit === undefined) await components.look()
      const chosen = commit ?? components.state().head
      if (chosen === undefined)
        throw new NimbusError('head-unknown', `Where ${follows} stands is not known: ${components.trouble() ?? 'it was not asked yet'}.`, {
          kind: 'unreachable',
          cure: 'Name the commit, or try again when the repository can be reached.',
        })
      components.vouch(chosen)
      await components.look()
    },
  }
}

/** Of a node that follows nothing: it tells what all run, and refuses orders. */
export function createIdlePort(running: string | undefined, workers: () => UpgradeView['workers']): UpgradePort {
  const refuse = (): Promise<never> =>
    Promise.reject(
      new NimbusError('follows-nothing', 'This worker follows no repository, so there is nothing to upgrade it from.', {
        kind: 'refused',
        cure: 'Start it with nimbus up --follow URL#BRANCH.',
      }),
    )
  const none = {
    follows: null,
    policy: null,
    previous: null,
    head: null,
    target: null,
    reason: null,
    waiting: null,
    turn: null,
    failed: [],
  }
  return { view: () => ({ ...none, phase: 'idle', running: running ?? null, workers: workers() }), order: refuse, vouch: refuse }
}
