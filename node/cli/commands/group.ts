// Keeper groups: who decides, who of them is here, and going on when a majority of them is lost for good.
import type { Command } from 'commander'
import type { GroupView, SeatView } from '../../../protocols/http/groups.ts'
import { formatDuration } from '../../kernel/durations.ts'
import { safe } from '../../kernel/safe-text.ts'
import { createClient } from '../client.ts'
import type { Action, Cli } from '../context.ts'
import type { Cell } from '../table.ts'
import { renderFacts, renderTable } from '../table.ts'

const DEFAULT = 'default'

export function addGroupCommands(program: Command, action: Action): void {
  const group = program.command('group').description('the keepers, whose majority decides who runs what')
  group
    .command('ls')
    .description('all keeper groups')
    .action(
      action(async (cli) => {
        const { items } = await (await createClient(cli)).get<{ items: GroupView[] }>('/api/groups')
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else cli.print(renderGroups(cli, items))
      }),
    )
  group
    .command('show [name]')
    .description('its keepers, who of them is away since when, and its recoveries')
    .action(
      action(async (cli, [name = DEFAULT]) => {
        const found = await (await createClient(cli)).get<GroupView>(groupPath(name))
        if (cli.globals.json) cli.printJson(found)
        else cli.print(renderGroup(cli, found))
      }),
    )
  group
    .command('recover [name]')
    .description('go on without a majority that is lost for good; may forget what only the lost keepers knew')
    .option('--seats <worker...>', 'the workers that go on (default: the keepers that are here)')
    .option('--reason <text>', 'why, for the log of the mesh')
    .option('--yes', 'I know what it may break')
    .action(
      action(async (cli, [name = DEFAULT], { seats, reason, yes }) => {
        const after = await (await createClient(cli)).post<GroupView>(`${groupPath(name)}/recover`, { seats, reason, yes: yes === true })
        if (cli.globals.json) return cli.printJson(after)
        const told = after.recoveries.at(-1)
        cli.print(`Group ${safe(after.name)} goes on with ${safe(told?.seats.join(', ') ?? '')} as version ${after.version}.`)
        cli.note(`Given up: ${safe(told?.lost.join(', ') ?? '')}. More workers take seats by themselves as they come.`)
      }),
    )
}

function groupPath(name: string): string {
  return `/api/groups/${encodeURIComponent(name)}`
}

function renderGroups(cli: Cli, items: readonly GroupView[]): string {
  const right = true
  return renderTable(
    cli.io,
    [
      { title: 'GROUP' },
      { title: 'VERSION', right },
      { title: 'REACHABLE', right },
      { title: 'MAJORITY', right },
      { title: 'RECOVERIES', right },
      { title: 'KEEPERS', gives: true },
    ],
    items.map((item) => [
      item.name,
      String(item.version),
      reachableCell(item),
      String(item.majority),
      String(item.recoveries.length),
      item.seats.map((seat) => seat.name).join(' '),
    ]),
  )
}

function renderGroup(cli: Cli, item: GroupView): string {
  const facts = renderFacts(cli.io, [
    ['group', item.name],
    ['version', String(item.version)],
    ['reachable', reachableCell(item)],
    ['majority', `${item.majority}${item.reachable < item.majority ? ': new work waits' : ''}`],
  ])
  const seats = renderTable(
    cli.io,
    [{ title: 'KEEPER' }, { title: 'STATE' }, { title: 'AWAY SINCE', gives: true }, { title: 'PEER' }],
    item.seats.map((seat) => [seat.name, seatCell(seat), awayText(cli, seat), seat.peerId.slice(-8)]),
  )
  if (item.recoveries.length === 0) return `${facts}\n\n${seats}`
  const recoveries = renderTable(
    cli.io,
    [
      { title: 'RECOVERED' },
      { title: 'BY' },
      { title: 'VERSION', right: true },
      { title: 'WENT ON' },
      { title: 'LOST' },
      { title: 'WHY', gives: true },
    ],
    item.recoveries.map((one) => [
      new Date(one.at).toISOString(),
      `${one.by} at ${one.workerName}`,
      String(one.version),
      one.seats.join(' '),
      one.lost.join(' '),
      one.reason ?? '',
    ]),
  )
  return `${facts}\n\n${seats}\n\n${recoveries}`
}

function reachableCell({ reachable, majority, seats }: GroupView): Cell {
  return { text: `${reachable} of ${seats.length}`, tone: reachable >= majority ? 'good' : 'bad' }
}

function seatCell({ state }: SeatView): Cell {
  return { text: state, tone: state === 'alive' ? 'good' : state === 'left' ? 'dim' : 'bad' }
}

function awayText(cli: Cli, { state, awaySince }: SeatView): string {
  if (state === 'alive') return ''
  return awaySince === null
    ? 'before this node started'
    : `${new Date(awaySince).toISOString()}, ${formatDuration(cli.now() - awaySince)} ago`
}
