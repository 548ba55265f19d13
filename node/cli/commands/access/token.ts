// Tokens for people and programs: make one, list them, revoke. The text of a token is shown once, when it is made.
import type { Command } from 'commander'
import type { MadeToken, RevokedToken, TokenView } from '../../../../protocols/access/token-views.ts'
import { formatDuration } from '../../../kernel/durations.ts'
import { safe } from '../../../kernel/safe-text.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { collect, duration, oneOf } from '../../options.ts'
import { renderTable } from '../../table.ts'

export function addTokenCommands(program: Command, action: Action): void {
  const token = program.command('token').description('tokens with which people and programs ask any node of the mesh')
  token
    .command('create <name>')
    .description('make one; its text is shown now and never again')
    .option('--role <role>', 'viewer (default), developer or operator', oneOf('--role', ['viewer', 'developer', 'operator']))
    .option('--may <verb>', 'instead of a role exactly this verb, as task.read', collect)
    .option('--expires <duration>', 'how long it is good, 90d at most', duration('--expires'), '24h')
    .action(
      action(async (cli, [name = ''], { role, may, expires }) => {
        const made = await (await createClient(cli)).post<MadeToken>('/api/tokens', { name, role, may, expires })
        if (cli.globals.json) return cli.printJson(made)
        cli.print(made.token)
        const until = new Date(made.expiresAt).toISOString()
        cli.note(
          `nimbus: ${made.role}, good ${made.at === 'mesh' ? 'at every node of the mesh' : `at ${made.at} alone, which is no admin`} until ${until}.`,
        )
        cli.note(`nimbus: it is not shown again. To end it: nimbus token revoke ${made.id}`)
        sayWhereKept(cli, made.durability)
      }),
    )
  token
    .command('ls')
    .description('tokens, what they may and until when; --all: also those that are over')
    .option('--all', 'also the expired and revoked')
    .action(
      action(async (cli, _words, { all }) => {
        const { items } = await (await createClient(cli)).get<{ items: TokenView[] }>('/api/tokens')
        const shown = items.filter(({ state }) => all === true || state === 'valid')
        if (cli.globals.json) for (const item of shown) cli.printJson(item)
        else cli.print(shown.length === 0 ? 'No tokens. Make one: nimbus token create NAME' : renderTokens(cli, shown))
      }),
    )
  token
    .command('revoke <id>')
    .description('end one, by ID or by its name, at every node; what is open with it is closed')
    .action(
      action(async (cli, [id = '']) => {
        const revoked = (await (await createClient(cli)).call('DELETE', `/api/tokens/${encodeURIComponent(id)}`, {})) as RevokedToken
        if (cli.globals.json) return cli.printJson(revoked)
        cli.print(`${safe(revoked.name)} (${revoked.id}) is revoked.`)
        sayWhereKept(cli, revoked.durability)
      }),
    )
}

function sayWhereKept(cli: Cli, durability: 'majority' | 'local'): void {
  if (durability === 'local') cli.note('nimbus: no majority can be reached; members that are out of reach hear of it when they are back.')
}

function renderTokens(cli: Cli, items: readonly TokenView[]): string {
  const columns = [
    { title: 'TOKEN' },
    { title: 'NAME' },
    { title: 'ROLE' },
    { title: 'AT' },
    { title: 'BY' },
    { title: 'ENDS', right: true },
    { title: 'MAY', gives: true },
  ]
  const rows = items.map(({ id, name, role, at, by, expiresAt, state, verbs }) => [
    id,
    name,
    role,
    at,
    by,
    state === 'valid' ? `in ${formatDuration(Math.max(0, expiresAt - cli.now()))}` : state,
    role === 'operator' ? 'everything' : verbs.join(', '),
  ])
  return renderTable(cli.io, columns, rows)
}
