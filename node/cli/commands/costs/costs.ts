// `cost` and `budget`: what sessions cost, and how much they may.
import type { Command } from 'commander'
import { type BudgetView, COST_GROUPS, type CostLine, type CostsView } from '../../../../protocols/agents/cost-views.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { amount, oneOf } from '../../options.ts'
import { renderTable } from '../../table.ts'

const LEVEL_TONES = { ok: 'good', warning: 'dim', exhausted: 'bad' } as const
const USD_MAX = 1_000_000

export function addCostCommands(program: Command, action: Action): void {
  program
    .command('cost')
    .description('what sessions cost; days are days of UTC')
    .option('--by <group>', `one of ${COST_GROUPS.join(', ')} (default day)`, oneOf('--by', [...COST_GROUPS]))
    .option('--from <day>', 'from this day on, as 2030-01-31')
    .option('--to <day>', 'up to this day, with it')
    .option('--worker <worker>', 'of this worker')
    .option('--repo <url>', 'of this repository')
    .option('--model <model>', 'of this model')
    .option('--session <id>', 'of this session')
    .action(
      action(async (cli, _words, options) => {
        const query = new URLSearchParams(options as Record<string, string>)
        const view = await (await createClient(cli)).get<CostsView>(`/api/costs?${query.toString()}`)
        if (cli.globals.json) cli.printJson(view)
        else cli.print(renderCosts(cli, view))
      }),
    )
  const budget = program.command('budget').description('how much sessions may cost: at 100 % they begin no new turn')
  budget
    .command('set <name>')
    .description('set a budget, or change one')
    .requiredOption('--usd <usd>', 'how much', amount('--usd', USD_MAX))
    .requiredOption('--per <period>', 'day, month (of UTC) or total', oneOf('--per', ['day', 'month', 'total']))
    .option('--worker <worker>', 'for sessions on this worker')
    .option('--repo <url>', 'for sessions of this repository')
    .option('--label <k=v>', 'for sessions on workers of this label')
    .action(
      action(async (cli, [name = ''], options) => {
        const set = await (await createClient(cli)).post<BudgetView>('/api/budgets', { name, ...options })
        if (cli.globals.json) cli.printJson(set)
        else cli.print(`${set.name}: ${usd(set.spentUsd)} of ${usd(set.usd)} USD are spent${set.period === '' ? '' : ` in ${set.period}`}`)
      }),
    )
  budget
    .command('ls')
    .description('all budgets and how they stand')
    .action(
      action(async (cli) => {
        const { items } = await (await createClient(cli)).get<{ items: BudgetView[] }>('/api/budgets')
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else cli.print(items.length === 0 ? 'No budgets. Set one: nimbus budget set NAME --usd 20 --per day' : renderBudgets(cli, items))
      }),
    )
  budget
    .command('rm <name>')
    .description('remove a budget')
    .action(
      action(async (cli, [name = '']) => {
        await (await createClient(cli)).delete(`/api/budgets/${encodeURIComponent(name)}`)
        if (cli.globals.json) cli.printJson({ removed: name })
        else cli.print(`${name} is removed.`)
      }),
    )
}

function renderCosts(cli: Cli, { by, items, total, today, month, forecast, now }: CostsView): string {
  const sums = `today ${usd(today)} USD, this month ${usd(month)}, forecast ${usd(forecast)}; now ${now.sessions} sessions at work`
  if (items.length === 0) return `No costs.\n${sums}`
  const right = { right: true }
  const columns = [
    { title: by.toUpperCase(), gives: true },
    { title: 'USD', ...right },
    { title: 'IN', ...right },
    { title: 'OUT', ...right },
    { title: 'CACHE', ...right },
  ]
  const row = ({ key, name, tokens, costUsd }: CostLine): string[] => [
    name === undefined || by !== 'worker' ? `${key}${name === undefined ? '' : `  ${name}`}` || '-' : name,
    usd(costUsd),
    String(tokens.input),
    String(tokens.output),
    String(tokens.cacheRead + tokens.cacheWrite),
  ]
  return `${renderTable(cli.io, columns, [...items.map(row), row({ key: 'all', ...total })])}\n${sums}`
}

function renderBudgets(cli: Cli, items: readonly BudgetView[]): string {
  const columns = [
    { title: 'BUDGET' },
    { title: 'LEVEL' },
    { title: 'SPENT' },
    { title: 'OF' },
    { title: 'RESERVED' },
    { title: 'PER' },
    { title: 'FOR', gives: true },
  ]
  return renderTable(
    cli.io,
    columns,
    items.map((item) => [
      item.name,
      { text: item.level, tone: LEVEL_TONES[item.level] },
      usd(item.spentUsd),
      usd(item.usd),
      usd(item.reservedUsd),
      item.period === '' ? item.per : `${item.per} ${item.period}`,
      [item.workerName, item.repo, item.label].filter((one) => one !== undefined).join(' ') || 'all sessions',
    ]),
  )
}

function usd(value: number): string {
  return value.toFixed(value !== 0 && value < 0.1 ? 4 : 2)
}
