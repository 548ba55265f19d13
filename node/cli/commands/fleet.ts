// The workers of the mesh, from any node of it: look at them, drain them, send them away.
import type { Command } from 'commander'
import type { Page, WorkerView } from '../../../protocols/http/views.ts'
import { safe } from '../../kernel/safe-text.ts'
import { createClient } from '../client.ts'
import type { Action, Cli } from '../context.ts'
import { renderFacts } from '../table.ts'
import { renderWorkers, stateCell } from './mesh.ts'

const VERBS = {
  drain: ['finish what runs, take nothing new', 'drains: it finishes what runs and takes nothing new'],
  resume: ['take work again', 'takes work again'],
  restart: ['drain, then start anew', 'restarts'],
  stop: ['drain, then stop', 'stops when its work is done'],
} as const

export function addFleetCommands(program: Command, action: Action): void {
  const worker = program.command('worker').description('the fleet')
  worker
    .command('ls')
    .description('all workers of the mesh')
    .action(
      action(async (cli) => {
        const client = await createClient(cli)
        const items: WorkerView[] = []
        for (let next: string | undefined = ''; next !== undefined; ) {
          const page: Page<WorkerView> = await client.get<Page<WorkerView>>(
            `/api/workers?limit=500${next === '' ? '' : `&cursor=${encodeURIComponent(next)}`}`,
          )
          items.push(...page.items)
          next = page.next
        }
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else cli.print(renderWorkers(cli, items))
      }),
    )
  worker
    .command('show <worker>')
    .description('one worker, by name or peer ID')
    .action(
      action(async (cli, [name = '']) => {
        const found = await (await createClient(cli)).get<WorkerView>(`/api/workers/${encodeURIComponent(name)}`)
        if (cli.globals.json) cli.printJson(found)
        else cli.print(renderWorker(cli, found))
      }),
    )
  for (const [verb, [description, said]] of Object.entries(VERBS)) {
    worker
      .command(`${verb} <worker>`)
      .description(description)
      .action(
        action(async (cli, [name = '']) => {
          const after = await (await createClient(cli)).post<WorkerView>(`/api/workers/${encodeURIComponent(name)}/${verb}`)
          if (cli.globals.json) cli.printJson(after)
          else cli.print(`${safe(after.name)} ${said}.`)
        }),
      )
  }
  worker
    .command('rm <worker>')
    .description('remove a member from the mesh for good')
    .action(
      action(async (cli, [name = '']) => {
        await (await createClient(cli)).delete(`/api/workers/${encodeURIComponent(name)}`)
        if (cli.globals.json) cli.printJson({ removed: name })
        else cli.print(`${safe(name)} is no member any more. It cannot come back under its old identity.`)
      }),
    )
}

function renderWorker(cli: Cli, worker: WorkerView): string {
  return renderFacts(cli.io, [
    ['name', worker.name],
    ['peer', worker.peerId],
    ['state', stateCell(worker)],
    [
      'slots',
      `${worker.slots - worker.freeSlots} of ${worker.slots} busy, load ${Math.round(worker.load)}%, ${worker.memoryFreeMb} MB free`,
    ],
    ['roles', worker.roles.join(' ')],
    ['skills', worker.skills.join(' ')],
    [
      'labels',
      Object.entries(worker.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
    ],
    ['pool', worker.pool ?? ''],
    ['repo', worker.repo ?? ''],
    ['member', `${worker.memberRole}${worker.keeper ? ', keeper' : ''}, since ${new Date(worker.joinedAt).toISOString()}`],
    ['version', worker.version],
    ['running', worker.running.join(' ')],
    ['addresses', worker.addresses.join(' ')],
  ])
}
