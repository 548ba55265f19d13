// Tasks: publish them, look at them, stop them, run them again.
import type { Command } from 'commander'
import { joinFilters } from '../../../protocols/filters/filter.ts'
import type { LogChunk, Page, TaskView } from '../../../protocols/http/views.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Client } from '../client.ts'
import { createClient } from '../client.ts'
import type { Action } from '../context.ts'
import { createLogWriter } from '../tasks/log-writer.ts'
import { amount, wholeNumber } from '../options.ts'
import { publishFile } from '../tasks/publish-file.ts'
import { shipInputs } from '../tasks/ship-inputs.ts'
import { addTaskOptions, requestOf } from '../tasks/task-options.ts'
import { renderTask, renderTasks, renderWhy } from '../tasks/task-view.ts'
import { addEndCommands } from './tasks/task-end.ts'
import { addRunCommands, follow, onlyAfterDashes } from './task-run.ts'

export function addTaskCommands(program: Command, action: Action): void {
  const task = program.command('task').description('work: publish it, follow it, stop it')
  addRunCommands(task, action)
  addPublish(task, action)
  addLooking(task, action)
  addProgress(task, action)
  addEndCommands(task, action)
}

function addPublish(task: Command, action: Action): void {
  addTaskOptions(
    task
      .command('publish')
      .argument('[command...]', 'the command and its words, after --')
      .usage('[OPTIONS] -- COMMAND [WORDS]')
      .description('publish a task and come back at once'),
  )
    .option('--file <file>', 'publish many: one task a line as JSON; - reads stdin')
    .action(
      action(async (cli, words, { file, ...options }) => {
        const client = await createClient(cli)
        if (typeof file === 'string') return publishFile(cli, client, file)
        const made = await client.post<{ id: string; durability: string; duplicate?: boolean }>(
          '/api/tasks',
          await shipInputs(cli, client, requestOf(onlyAfterDashes(cli, words), options), options),
        )
        if (cli.globals.json) cli.printJson(made)
        else cli.print(made.id)
        if (made.duplicate === true) cli.note('nimbus: a task with this key exists already; nothing was published.')
        else if (made.durability === 'local')
          cli.note('nimbus: kept by this node alone for now; a majority of the keepers cannot be reached.')
      }),
    )
}

function addLooking(task: Command, action: Action): void {
  task
    .command('ls')
    .description('tasks, newest first')
    .option('--state <state>', 'blocked, scheduled, ready, running, succeeded, failed, dead or cancelled')
    .option('--worker <worker>', 'only those of one worker')
    .option('--search <text>', 'only those that mention it')
    .option('--filter <filter>', 'only those that match: state:failed,dead worker:box age:<1h -name:"a b*" word')
    .option('--limit <n>', 'how many', wholeNumber('--limit', 1, 100_000), 50)
    .action(
      action(async (cli, _words, { state, worker, search, filter, limit }) => {
        const words = joinFilters(search, filter)
        const items = await listTasks(await createClient(cli), { state, worker, q: words }, limit as number)
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else cli.print(items.length === 0 ? 'No tasks. Publish one: nimbus task run -- echo hello' : renderTasks(cli, items))
      }),
    )
  const showing = { show: renderTask, why: renderWhy }
  for (const [verb, description] of [
    ['show', 'all about one task'],
    ['why', 'why a task waits, or how it ended, and what to do'],
  ] as const) {
    task
      .command(`${verb} <id>`)
      .description(description)
      .action(
        action(async (cli, [id = '']) => {
          const found = await (await createClient(cli)).get<TaskView>(pathOf(id))
          if (cli.globals.json)
            cli.printJson(verb === 'show' ? found : { id: found.id, state: found.state, waiting: found.waiting, result: found.result })
          else cli.print(showing[verb](cli, found))
        }),
      )
  }
  task
    .command('logs <id>')
    .description('output of a task')
    .option('-f, --follow', 'until it ends')
    .option('--attempt <n>', 'of this attempt (default: the newest)', wholeNumber('--attempt', 0, 1_000_000))
    .option('--from <byte>', 'from this byte on', wholeNumber('--from', 0, Number.MAX_SAFE_INTEGER), 0)
    .action(
      action(async (cli, [id = ''], { follow: following, attempt, from }) => {
        const client = await createClient(cli)
        if (following === true && attempt === undefined && from === 0) {
          await follow(cli, client, id, { cancelOnInterrupt: false })
          return
        }
        const write = createLogWriter(cli)
        const query = `from=${String(from)}${typeof attempt === 'number' ? `&attempt=${attempt}` : ''}${following === true ? '&follow=true' : ''}`
        for await (const chunk of client.jsonLines<LogChunk>(`${pathOf(id)}/log?${query}`, new AbortController().signal)) await write(chunk)
      }),
    )
}

/** For the work itself: it says how far it is, with the token that it was given. */
function addProgress(task: Command, action: Action): void {
  task
    .command('progress [message]')
    .description('inside a task: say how far it is, and what it cost so far')
    .option('--percent <n>', 'how much is done', wholeNumber('--percent', 0, 100))
    .option('--cost <usd>', 'what it cost in all', amount('--cost', 1_000_000))
    .action(
      action(async (cli, [message], { percent, cost }) => {
        const id = cli.io.env['NIMBUS_TASK']
        if (id === undefined)
          throw new NimbusError('no-task', 'This runs in no task: NIMBUS_TASK is not set.', {
            kind: 'usage',
            cure: 'Call it from the command of a task.',
          })
        await (await createClient(cli)).post(`${pathOf(id)}/progress`, { message, percent, costUsd: cost })
      }),
    )
}

async function listTasks(client: Client, filter: Record<string, unknown>, limit: number): Promise<TaskView[]> {
  const items: TaskView[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined && items.length < limit; ) {
    const query = new URLSearchParams({ limit: String(Math.min(500, limit - items.length)) })
    for (const [key, value] of Object.entries({ ...filter, cursor })) if (typeof value === 'string' && value !== '') query.set(key, value)
    const page: Page<TaskView> = await client.get<Page<TaskView>>(`/api/tasks?${query.toString()}`)
    items.push(...page.items)
    cursor = page.next
  }
  return items
}

function pathOf(id: string): string {
  return `/api/tasks/${encodeURIComponent(id)}`
}
