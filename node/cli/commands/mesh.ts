// The mesh: who is in it, who may come in.
import type { Command } from 'commander'
import type { InviteView, MeshView, WorkerView } from '../../../protocols/http/views.ts'
import { formatDuration } from '../../kernel/durations.ts'
import { safe } from '../../kernel/safe-text.ts'
import { createClient } from '../client.ts'
import type { Action, Cli } from '../context.ts'
import { duration, wholeNumber } from '../options.ts'
import type { Cell } from '../table.ts'
import { paint, renderTable } from '../table.ts'

export function addMeshCommands(program: Command, action: Action): void {
  program
    .command('status')
    .description('this node, the members of its mesh, the work in it')
    .action(
      action(async (cli) => {
        const mesh = await (await createClient(cli)).get<MeshView>('/api/mesh')
        if (cli.globals.json) cli.printJson(mesh)
        else cli.print(renderStatus(cli, mesh))
      }),
    )
  program
    .command('invite')
    .description('make an invite for another machine')
    .option('--role <role>', 'what it may do: admin, member or viewer', 'member')
    .option('--uses <n>', 'how many may join with it', wholeNumber('--uses', 1, 100), 1)
    .option('--expires <duration>', 'how long it is good', duration('--expires'), '15m')
    .action(
      action(async (cli, _words, { role, uses, expires }) => {
        const made = await (await createClient(cli)).post<InviteView>('/api/invites', { role, uses, expires })
        if (cli.globals.json) return cli.printJson(made)
        cli.print(made.invite)
        cli.note(
          `Good until ${new Date(made.expiresAt).toLocaleTimeString()}. On the other machine: nimbus up --join ${made.invite.slice(0, 12)}…`,
        )
      }),
    )
}

function renderStatus(cli: Cli, mesh: MeshView): string {
  const alive = mesh.members.filter((member) => member.state === 'alive').length
  const { group } = mesh
  const keepers =
    group.reachable >= group.majority
      ? paint(cli.io, `keepers ${group.reachable} of ${group.seats.length} reachable`, 'good')
      : paint(cli.io, `keepers ${group.reachable} of ${group.seats.length} reachable: no majority, new work waits`, 'bad')
  const work = Object.entries(mesh.tasks)
    .filter(([, count]) => (count ?? 0) > 0)
    .map(([state, count]) => `${count} ${state}`)
  return [
    `${safe(mesh.self.name)} in mesh ${safe(mesh.mesh).slice(0, 12)}, ${alive} of ${mesh.members.length} members alive, ${keepers}`,
    `tasks: ${work.length === 0 ? 'none yet; try: nimbus task run -- echo hello' : work.join(', ')}`,
    '',
    renderWorkers(cli, mesh.members),
  ].join('\n')
}

export function renderWorkers(cli: Cli, workers: readonly WorkerView[]): string {
  const rows = workers.map((worker) => [
    worker.self ? `${worker.name} *` : worker.name,
    stateCell(worker),
    `${worker.slots - worker.freeSlots}/${worker.slots}`,
    `${Math.round(worker.load)}%`,
    [...worker.roles, ...worker.skills, ...(worker.pool === null ? [] : [`pool ${worker.pool}`])].join(' '),
    seenText(worker),
    worker.peerId.slice(-8),
  ])
  return renderTable(
    cli.io,
    [
      { title: 'WORKER' },
      { title: 'STATE' },
      { title: 'BUSY', right: true },
      { title: 'LOAD', right: true },
      { title: 'CAN', gives: true },
      { title: 'SEEN' },
      { title: 'PEER' },
    ],
    rows,
  )
}

/** -1 is a member that this node has not heard of since its own start. */
function seenText(worker: WorkerView): string {
  if (worker.self) return 'here'
  return worker.lastSeenMs < 0 ? 'never' : `${formatDuration(worker.lastSeenMs)} ago`
}

export function stateCell(worker: WorkerView): Cell {
  if (worker.state === 'alive') return worker.mode === 'active' ? { text: 'alive', tone: 'good' } : { text: worker.mode, tone: 'busy' }
  return { text: worker.state, tone: worker.state === 'left' ? 'dim' : 'bad' }
}
