// Ends of tasks: cancel one, run again what has ended.
import type { Command } from 'commander'
import { Option } from 'commander'
import { joinFilters } from '../../../../protocols/filters/filter.ts'
import type { RetriedView, RetryRequest, TaskView } from '../../../../protocols/http/views.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import { createClient } from '../../client.ts'
import type { Action } from '../../context.ts'

export function addEndCommands(task: Command, action: Action): void {
  task
    .command('cancel <id>')
    .description('cancel a task, running or not')
    .action(
      action(async (cli, [id = '']) => {
        const after = await (await createClient(cli)).post<TaskView>(`/api/tasks/${encodeURIComponent(id)}/cancel`)
        if (cli.globals.json) cli.printJson(after)
        else cli.print(`${after.id} ${after.state === 'cancelled' ? 'is cancelled' : 'is being cancelled'}.`)
      }),
    )
  task
    .command('retry [ids...]')
    .description('run the same work again, each as a new task')
    .option('--dead', 'all that used up their attempts')
    .option('--failed', 'all that failed')
    .option('--search <text>', 'of those, only the ones that mention it')
    .option('--filter <filter>', 'of those, only the ones that match, as for ls')
    .addOption(new Option('--q <text>', 'the same as --search').hideHelp())
    .action(
      action(async (cli, ids, options) => {
        const client = await createClient(cli)
        const which = whichOf(ids, options)
        if ('ids' in which && which.ids.length === 1) {
          const after = await client.post<TaskView>(`/api/tasks/${encodeURIComponent(ids[0] ?? '')}/retry`)
          if (cli.globals.json) cli.printJson(after)
          else cli.print(after.id)
          return
        }
        const { items } = await client.post<RetriedView>('/api/tasks/retry', which)
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else if (items.length === 0) cli.note('nimbus: there is none to run again.')
        else for (const { id } of items) cli.print(id)
      }),
    )
}

function whichOf(ids: readonly string[], { dead, failed, search, filter, q }: Record<string, unknown>): RetryRequest {
  const text = joinFilters(search ?? q, filter)
  const chosen = [ids.length > 0, dead === true, failed === true].filter(Boolean).length
  if (chosen !== 1 || (ids.length > 0 && text !== ''))
    throw new NimbusError('usage', 'It is not clear which tasks to run again.', {
      kind: 'usage',
      cure: 'Name their IDs, or give --dead or --failed, with --search TEXT to choose among those.',
    })
  if (ids.length > 0) return { ids: [...ids] }
  return { state: dead === true ? 'dead' : 'failed', ...(text === '' ? {} : { q: text }) }
}
