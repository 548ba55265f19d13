// Schedules: a task again and again, or once at a time. Everything after -- is its command, as in `task publish`.
import type { Command } from 'commander'
import type { ScheduleView } from '../../../protocols/http/schedules.ts'
import type { Page } from '../../../protocols/http/views.ts'
import { formatDuration } from '../../kernel/durations.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { createClient } from '../client.ts'
import type { Action, Cli } from '../context.ts'
import { duration, oneOf } from '../options.ts'
import type { Cell } from '../table.ts'
import { renderFacts, renderTable } from '../table.ts'
import { addTaskOptions, requestOf } from '../tasks/task-options.ts'

const STATE_TONES = { active: 'good', paused: 'dim', orphaned: 'bad', over: 'dim' } as const

export function addScheduleCommands(program: Command, action: Action): void {
  const schedule = program.command('schedule').description('tasks that come again and again, or at a time')
  addTaskOptions(
    schedule
      .command('add')
      .argument('<name>', 'its name in the mesh')
      .argument('[command...]', 'the command and its words, after --')
      .usage("NAME (--cron 'LINE' | --every D | --at TIME) [OPTIONS] -- COMMAND [WORDS]")
      .description('add a schedule; each tick is one task, whatever nodes are up')
      .option('--cron <line>', 'minute hour day month weekday; six fields begin with seconds')
      .option('--timezone <zone>', "the zone of the line (default: this machine's)")
      .option('--every <duration>', 'counted from now', duration('--every'))
      .option('--at <time>', 'once, as 2030-01-31T08:00:00+01:00')
      .option('--overlap <rule>', 'allow, or skip: not while the task of an earlier tick is open', oneOf('--overlap', ['allow', 'skip']))
      .option(
        '--missed <rule>',
        'when all were off: latest makes up the last tick of a day, skip none',
        oneOf('--missed', ['skip', 'latest']),
      )
      .option('--replace', 'in the place of a schedule of this name'),
  ).action(
    action(async (cli, [name = '', ...words], options) => {
      const { cron, timezone, every, at, overlap, missed, replace, ...task } = options
      assertShipsNothing(task)
      const body = {
        name,
        cron,
        every,
        at,
        overlap,
        missed,
        replace,
        timezone: timezone ?? (cron === undefined ? undefined : Intl.DateTimeFormat().resolvedOptions().timeZone),
        task: requestOf(cli.rest === undefined ? words : cli.rest, task),
      }
      const added = await (await createClient(cli)).post<ScheduleView>('/api/schedules', body)
      if (cli.globals.json) cli.printJson(added)
      else cli.print(`${added.name} ticks ${when(added)}; next at ${timeIn(added, added.next[0])}`)
    }),
  )
  schedule
    .command('ls')
    .description('all schedules of the mesh')
    .action(
      action(async (cli) => {
        const items = await listSchedules(cli)
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else
          cli.print(
            items.length === 0 ? "No schedules. Add one: nimbus schedule add NAME --cron '0 3 * * *' -- COMMAND" : renderList(cli, items),
          )
      }),
    )
  schedule
    .command('show <name>')
    .alias('why')
    .description('one schedule, with its next five ticks')
    .action(
      action(async (cli, [name = '']) => {
        const found = await (await createClient(cli)).get<ScheduleView>(pathOf(name))
        if (cli.globals.json) cli.printJson(found)
        else cli.print(renderSchedule(cli, found))
      }),
    )
  for (const [verb, description, said] of [
    ['pause', 'no ticks until it is resumed', 'is paused'],
    ['resume', 'tick again; what passed meanwhile is not made up', 'ticks again'],
  ] as const) {
    schedule
      .command(`${verb} <name>`)
      .description(description)
      .action(
        action(async (cli, [name = '']) => {
          const after = await (await createClient(cli)).post<ScheduleView>(`${pathOf(name)}/${verb}`)
          if (cli.globals.json) cli.printJson(after)
          else cli.print(`${after.name} ${said}.`)
        }),
      )
  }
  schedule
    .command('rm <name>')
    .description('remove a schedule; the tasks of its ticks stay')
    .action(
      action(async (cli, [name = '']) => {
        await (await createClient(cli)).delete(pathOf(name))
        if (cli.globals.json) cli.printJson({ removed: name })
        else cli.print(`${name} is removed.`)
      }),
    )
}

function assertShipsNothing(options: Record<string, unknown>): void {
  const given = ['dir', 'stdin'].find((name) => options[name] !== undefined)
  if (given === undefined) return
  throw new NimbusError('usage', `A schedule ships nothing from this machine, and --${given} is given.`, {
    kind: 'usage',
    cure: 'Put the files into a repository and name it with --repo.',
  })
}

async function listSchedules(cli: Cli): Promise<ScheduleView[]> {
  const client = await createClient(cli)
  const items: ScheduleView[] = []
  for (let next: string | undefined = ''; next !== undefined; ) {
    const page: Page<ScheduleView> = await client.get(`/api/schedules?limit=500${next === '' ? '' : `&cursor=${encodeURIComponent(next)}`}`)
    items.push(...page.items)
    next = page.next
  }
  return items
}

function renderList(cli: Cli, items: readonly ScheduleView[]): string {
  const columns = [{ title: 'SCHEDULE' }, { title: 'STATE' }, { title: 'WHEN' }, { title: 'NEXT' }, { title: 'COMMAND', gives: true }]
  return renderTable(
    cli.io,
    columns,
    items.map((item) => [item.name, stateCell(item), when(item), timeIn(item, item.next[0]), item.task.argv.join(' ')]),
  )
}

function renderSchedule(cli: Cli, item: ScheduleView): string {
  const { last } = item
  const facts: [string, Cell | undefined][] = [
    ['schedule', item.name],
    ['state', stateCell(item)],
    ['when', when(item)],
    ['overlap', item.overlap],
    ['missed', item.missed],
    ['by', item.authorName],
    ['command', item.task.argv.join(' ')],
    ['last', last === undefined ? undefined : `${timeIn(item, last.at)} ${last.task ?? '(left out: an earlier task was open)'}`],
    ...item.next.map((at, index): [string, Cell] => [index === 0 ? 'next' : '', timeIn(item, at)]),
  ]
  return renderFacts(cli.io, facts)
}

function stateCell(item: ScheduleView): Cell {
  const text = item.state === 'orphaned' ? 'orphaned: its author may not publish any more' : item.state
  return { text, tone: STATE_TONES[item.state] }
}

function when(item: ScheduleView): string {
  if (item.cron !== undefined) return `${item.cron} (${item.timezone})`
  return item.everyMs === undefined ? 'once' : `every ${formatDuration(item.everyMs)}`
}

/** In the zone of the schedule, with its offset: the two hours of one name stay apart. */
function timeIn(item: ScheduleView, at: number | undefined): string {
  if (at === undefined) return '-'
  const format = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'long', timeZone: item.timezone ?? 'UTC' })
  return format.format(new Date(at))
}

function pathOf(name: string): string {
  return `/api/schedules/${encodeURIComponent(name)}`
}
