// Upgrades: what the workers run, how far a new commit is, and the orders to this worker.
import type { Command } from 'commander'
import type { UpgradeView } from '../../../../protocols/http/upgrade.ts'
import { formatDuration } from '../../../kernel/durations.ts'
import { safe } from '../../../kernel/safe-text.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import type { Cell } from '../../table.ts'
import { renderFacts, renderTable } from '../../table.ts'

const ORDERS = {
  pause: 'start no upgrade here until it is resumed',
  resume: 'follow the repository again',
  now: 'look at the branch at once; a commit that failed is tried again',
  rollback: 'go back to the version before',
} as const
const SHORT = 12
const TONES: Readonly<Record<string, 'good' | 'bad' | 'dim'>> = {
  done: 'good',
  'rolled-back': 'bad',
  refused: 'bad',
  paused: 'dim',
  idle: 'dim',
}

export function addUpgradeCommands(program: Command, action: Action): void {
  const upgrade = program.command('upgrade').description('workers that follow their own repository (nimbus up --follow URL#BRANCH)')
  const show = (cli: Cli, view: UpgradeView): void => (cli.globals.json ? cli.printJson(view) : cli.print(render(cli, view)))
  upgrade
    .command('status')
    .description('what this worker follows, how far it is and why; and what all run')
    .action(action(async (cli) => show(cli, await (await createClient(cli)).get<UpgradeView>('/api/upgrade'))))
  for (const [order, description] of Object.entries(ORDERS))
    upgrade
      .command(order)
      .description(description)
      .action(action(async (cli) => show(cli, await (await createClient(cli)).post<UpgradeView>(`/api/upgrade/${order}`))))
  upgrade
    .command('vouch [commit]')
    .description('as an admin of the mesh, vouch for a commit; without one for the newest of the branch')
    .action(
      action(async (cli, [commit]) =>
        show(cli, await (await createClient(cli)).post<UpgradeView>('/api/upgrade/vouch', commit === undefined ? {} : { commit })),
      ),
    )
}

function render(cli: Cli, view: UpgradeView): string {
  const short = (commit: string | null | undefined): string => (commit ?? '').slice(0, SHORT)
  const facts: [string, Cell][] = [
    ['follows', view.follows === null ? 'nothing (nimbus up --follow URL#BRANCH)' : safe(view.follows)],
    ['policy', view.policy ?? ''],
    ['phase', view.phase],
    ['running', short(view.running)],
    ['previous', short(view.previous)],
    ['head', short(view.head)],
    ['target', short(view.target)],
    ['reason', safe(view.reason ?? '')],
    ['waits for', safe(view.waiting ?? '')],
    ['turn', view.turn === null ? '' : `${safe(view.turn.workerName)}, for ${formatDuration(Math.max(0, cli.now() - view.turn.since))}`],
  ]
  const table = renderTable(
    cli.io,
    [
      { title: 'WORKER' },
      { title: 'STATE' },
      { title: 'VERSION' },
      { title: 'COMMIT' },
      { title: 'UPGRADE' },
      { title: 'WHY', gives: true },
    ],
    view.workers.map((one) => [
      safe(one.name),
      one.state,
      safe(one.version),
      short(one.commit),
      { text: safe(one.phase ?? ''), tone: TONES[one.phase ?? ''] ?? 'dim' },
      safe(one.reason ?? ''),
    ]),
  )
  return `${renderFacts(
    cli.io,
    facts.filter(([, value]) => value !== ''),
  )}\n\n${table}`
}
