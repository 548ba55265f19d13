// Sessions of coding agents: start one, look at it, talk to it, answer what it asks, take what it made.
import type { Command } from 'commander'
import type { MergeView, OrderView, PullRequestView, SessionView } from '../../../../protocols/http/sessions.ts'
import type { Page } from '../../../../protocols/http/views.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import { safe } from '../../../kernel/safe-text.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { amount, wholeNumber } from '../../options.ts'
import { printMessages, printSession, printSessions } from './session-words.ts'
import { addStartCommand } from './session-start.ts'

export function addSessionCommands(program: Command, action: Action): void {
  const session = program.command('session').description('sessions of coding agents')
  addStartCommand(session, action)
  addReading(session, action)
  addOrders(session, action)
}

function addReading(session: Command, action: Action): void {
  session
    .command('ls')
    .description('sessions, newest first')
    .option('--search <text>', 'only those that mention it')
    .option('--limit <n>', 'how many', wholeNumber('--limit', 1, 500), 50)
    .action(
      action(async (cli, _words, { search, limit }) => {
        const client = await createClient(cli)
        const query = new URLSearchParams({ limit: String(limit), ...(typeof search === 'string' ? { q: search } : {}) })
        printSessions(cli, (await client.get<Page<SessionView>>(`/api/sessions?${query.toString()}`)).items)
      }),
    )
  session
    .command('show <id>')
    .description('one session: state, cost, files, what it asks')
    .action(
      action(async (cli, [id]) => {
        const view = await (await createClient(cli)).get<SessionView>(pathOf(id))
        printSession(cli, view)
      }),
    )
  session
    .command('messages <id>')
    .description('what it said and did')
    .option('-f, --follow', 'and what comes, until it ends')
    .action(action((cli, [id], { follow }) => printMessages(cli, id ?? '', follow === true)))
  session
    .command('diff <id>')
    .description('its changes as a patch')
    .action(
      action(async (cli, [id]) => {
        const client = await createClient(cli)
        for await (const piece of client.bytes(`${pathOf(id)}/diff`, new AbortController().signal)) cli.io.stdout.write(piece)
      }),
    )
}

function addOrders(session: Command, action: Action): void {
  session
    .command('send [words...]')
    .usage('ID TEXT… | --role ROLE TEXT…')
    .description('give it a prompt or a slash command; a session that is over goes on')
    .option('--role <role>', 'to every open session on workers of this role')
    .option('--budget <usd>', 'what the session may cost from now on, where it goes on', amount('--budget', 1_000_000))
    .action(action((cli, words, { role, budget }) => send(cli, words, role, budget)))
  for (const [name, about] of [
    ['interrupt', 'end its turn, not the session'],
    ['stop', 'end it and put its work away'],
  ] as const)
    session
      .command(`${name} <id>`)
      .description(about)
      .action(action(async (cli, [id]) => printOrder(cli, await (await createClient(cli)).post<OrderView>(`${pathOf(id)}/${name}`, {}))))
  for (const allow of [true, false])
    session
      .command(`${allow ? 'approve' : 'deny'} <id> [request]`)
      .description(`${allow ? 'allow' : 'refuse'} what it asks; the first answer counts`)
      .option('--note <text>', 'what the agent is told')
      .action(action((cli, [id, request], { note }) => answer(cli, id, { request, allow, note })))
  session
    .command('move <id> <worker>')
    .description('another worker goes on with it: conversation, files and branch go along')
    .option('--now', 'in the middle of a call too; otherwise that may end first, for up to a minute')
    .action(
      action(async (cli, [id, worker], { now }) => {
        const view = await (await createClient(cli)).post<OrderView>(`${pathOf(id)}/move`, { worker, now: now === true })
        if (cli.globals.json) cli.printJson(view)
        else cli.print(`Session ${view.session.id} goes on on ${safe(worker ?? '')}${view.taken ? '' : ' when its worker has saved it'}.`)
      }),
    )
  session
    .command('merge <id>')
    .description('merge its commits into a branch of the origin and push it')
    .option('--into <branch>', 'that branch (default: where it began)')
    .option('--check', 'only say whether it would merge; nothing is pushed')
    .option('--pull-request', 'push its own branch, and open a pull request at the origin')
    .option('--title <title>', 'of the pull request')
    .action(action((cli, [id], options) => (options['pullRequest'] === true ? offer(cli, id, options) : merge(cli, id, options))))
  session
    .command('resume <id>')
    .description('go on with a session that is over')
    .option('--budget <usd>', 'what it may cost from now on', amount('--budget', 1_000_000))
    .action(
      action(async (cli, [id], { budget }) => {
        const view = await (await createClient(cli)).post<SessionView>(
          `${pathOf(id)}/resume`,
          budget === undefined ? {} : { budgetUsd: budget },
        )
        printSession(cli, view)
      }),
    )
}

async function send(cli: Cli, words: readonly string[], role: unknown, budget: unknown): Promise<void> {
  const [id, ...rest] = typeof role === 'string' ? [undefined, ...words] : words
  const text = rest.join(' ')
  if (text === '') throw new NimbusError('usage', 'There is nothing to send.', { kind: 'usage', cure: 'nimbus session send ID TEXT' })
  const client = await createClient(cli)
  const body = { text, ...(budget === undefined ? {} : { budgetUsd: budget }) }
  if (typeof role !== 'string') return printOrder(cli, await client.post<OrderView>(`${pathOf(id)}/send`, body))
  const { items } = await client.get<Page<SessionView>>('/api/sessions?limit=500')
  const { items: workers } = await client.get<Page<{ peerId: string; roles: string[] }>>('/api/workers?limit=500')
  const named = new Set(workers.filter(({ roles }) => roles.includes(role)).map(({ peerId }) => peerId))
  const open = items.filter(({ state, worker }) => /^(working|waiting|idle)$/.test(state) && worker !== undefined && named.has(worker))
  if (open.length === 0)
    throw new NimbusError('no-session', `No session is open on a worker of role ${role}.`, {
      kind: 'missing',
      cure: 'nimbus session ls lists them.',
    })
  for (const one of open) printOrder(cli, await client.post<OrderView>(`${pathOf(one.id)}/send`, body))
}

async function answer(
  cli: Cli,
  id: string | undefined,
  { request, allow, note }: { request: string | undefined; allow: boolean; note: unknown },
): Promise<number> {
  const client = await createClient(cli)
  const view = await client.post<OrderView>(`${pathOf(id)}/answer`, {
    allow,
    ...(request === undefined ? {} : { request }),
    ...(typeof note === 'string' ? { note } : {}),
  })
  if (cli.globals.json) cli.printJson(view)
  else if (view.decision === undefined)
    cli.print('Recorded. Its worker cannot be reached now; the answer counts when it can, unless another was first.')
  else cli.print(`${view.decision.allow ? 'Allowed' : 'Refused'} by ${view.decision.by}${view.won === true ? '' : ', who was first'}.`)
  return view.won === false ? 4 : 0
}

async function offer(cli: Cli, id: string | undefined, { into, title }: Record<string, unknown>): Promise<number> {
  const view = await (await createClient(cli)).post<PullRequestView>(`${pathOf(id)}/pull-request`, { into, title })
  if (cli.globals.json) cli.printJson(view)
  else cli.print(safe(`Pull request ${view.number} ${view.existed ? 'is open already' : 'is open'}: ${view.address}`))
  return 0
}

/** @returns 0 where it is merged, or would be */
async function merge(cli: Cli, id: string | undefined, { into, check }: Record<string, unknown>): Promise<number> {
  const view = await (await createClient(cli)).post<MergeView>(`${pathOf(id)}/merge`, { into, check })
  const isClean = check === true && view.conflicts?.length === 0
  if (cli.globals.json) cli.printJson(view)
  else if (isClean) cli.print(`It would merge into ${safe(view.into)} without a conflict.`)
  else if (view.merged) cli.print(`Merged into ${view.into} as ${view.commit ?? ''}.`)
  else cli.print(`Not merged into ${view.into}: conflicts in ${safe((view.conflicts ?? []).join(', '))}.`)
  for (const { session, files } of view.touchedBy) cli.note(safe(`session ${session} changes ${files.join(', ')} too`))
  return view.merged || isClean ? 0 : 1
}

function printOrder(cli: Cli, view: OrderView): void {
  if (cli.globals.json) return cli.printJson(view)
  cli.print(
    view.taken
      ? `Done: session ${view.session.id} is ${view.session.state}.`
      : `Recorded for session ${view.session.id}; its worker does it when it can.`,
  )
}

function pathOf(id: string | undefined): string {
  return `/api/sessions/${encodeURIComponent(id ?? '')}`
}
