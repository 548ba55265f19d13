// Pools of workers: look at them, pause them, let them go on.
import type { Command } from 'commander'
import type { PoolView } from '../../../../protocols/http/views.ts'
import { safe } from '../../../kernel/safe-text.ts'
import { createClient } from '../../client.ts'
import type { Action } from '../../context.ts'
import { renderTable } from '../../table.ts'

export function addPoolCommands(program: Command, action: Action): void {
  const pool = program.command('pool').description('pools of workers')
  pool
    .command('ls')
    .description('all pools: their workers, and the tasks that ask for them')
    .action(
      action(async (cli) => {
        const { items } = await (await createClient(cli)).get<{ items: PoolView[] }>('/api/pools')
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else if (items.length === 0) cli.print('No pools. Start a worker in one: nimbus up --pool NAME')
        else {
          const rows = items.map((item) => [
            item.name,
            item.paused ? { text: 'paused', tone: 'busy' as const } : 'runs',
            `${item.slots - item.freeSlots}/${item.slots}`,
            String(item.open),
            String(item.running),
            item.workers.join(' '),
          ])
          const titles = [
            { title: 'POOL' },
            { title: 'STATE' },
            { title: 'SLOTS' },
            { title: 'OPEN', right: true },
            { title: 'RUNNING', right: true },
          ]
          cli.print(renderTable(cli.io, [...titles, { title: 'WORKERS', gives: true }], rows))
        }
      }),
    )
  for (const [verb, description, said] of [
    ['pause', 'let its tasks wait; what runs goes on', 'is paused: its tasks wait'],
    ['resume', 'let its tasks run again', 'runs again'],
  ] as const) {
    pool
      .command(`${verb} <pool>`)
      .description(description)
      .action(
        action(async (cli, [name = '']) => {
          const after = await (await createClient(cli)).post<PoolView>(`/api/pools/${encodeURIComponent(name)}/${verb}`)
          if (cli.globals.json) cli.printJson(after)
          else cli.print(`Pool ${safe(after.name)} ${said}.`)
        }),
      )
  }
}
