// Terminals on workers: open one, attach to it from any node, list them, end one. The words of `session` for the same are here too.
import type { Command } from 'commander'
import type { TerminalView } from '../../../../protocols/terminals/views.ts'
import type { AttachMode } from '../../../../protocols/terminals/frames.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import { safe } from '../../../kernel/safe-text.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { collect, parsePairs } from '../../options.ts'
import { renderTable } from '../../table.ts'
import { attach } from '../../terminals/attach.ts'
import { onlyAfterDashes } from '../task-run.ts'

const LEAVE_KEY = '^]'

export function addTerminalCommands(program: Command, action: Action): void {
  const terminal = program.command('terminal').description('terminals on workers, that any node can attach to')
  addOpen(terminal.command('open'), action)
  addAttach(terminal.command('attach <id>'), action)
  terminal
    .command('ls')
    .description('terminals that have not ended')
    .action(
      action(async (cli) => {
        const { items } = await (await createClient(cli)).get<{ items: TerminalView[] }>('/api/terminals')
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else if (items.length === 0) cli.print('No terminals. Open one: nimbus terminal open -- bash')
        else
          cli.print(
            renderTable(
              cli.io,
              [{ title: 'ID' }, { title: 'STATE' }, { title: 'WORKER' }, { title: 'COMMAND', gives: true }],
              items.map((item) => [item.id, item.state, item.workerName, item.name ?? item.argv.join(' ')]),
            ),
          )
      }),
    )
  terminal
    .command('stop <id>')
    .description('end a terminal and everything that runs in it')
    .action(
      action(async (cli, [id = '']) => {
        const client = await createClient(cli)
        await client.get(`/api/terminals/${encodeURIComponent(id)}`)
        await client.post(`/api/tasks/${encodeURIComponent(id)}/cancel`)
        if (cli.globals.json) cli.printJson({ id })
        else cli.print(`Terminal ${safe(id)} is ended.`)
      }),
    )
  const session = program.commands.find((one) => one.name() === 'session') ?? program.command('session').description('interactive sessions')
  if (!session.commands.some((one) => one.name() === 'start'))
    addOpen(session.command('start').option('--terminal', 'in a terminal'), action, (options) => options['terminal'] === true)
  if (!session.commands.some((one) => one.name() === 'attach')) addAttach(session.command('attach <id>'), action)
}

function addOpen(command: Command, action: Action, isWanted: (options: Record<string, unknown>) => boolean = () => true): void {
  command
    .argument('[command...]', 'the command and its words, after --')
    .usage('[OPTIONS] -- COMMAND [WORDS]')
    .description('open a terminal on a worker and attach to it; it goes on when nobody is attached')
    .option('--worker <worker>', 'on this worker, by name or peer ID; the asked node itself where none is named')
    .option('--name <name>', 'a name for people')
    .option('--env <k=v>', 'a variable of its environment', collect)
    .option('--secret <name>', 'a secret of the mesh, as the variable NAME of its environment', collect)
    .option('--repo <url>', 'repository to run in')
    .option('--ref <ref>', 'branch, tag or commit of it')
    .option('--detach', 'only open it, and print its ID')
    .option('--leave-key <key>', 'the key that leaves it', LEAVE_KEY)
    .action(
      action(async (cli, words, options) => {
        if (!isWanted(options))
          throw new NimbusError('usage', 'A session of a plain command needs a terminal.', { kind: 'usage', cure: 'Add --terminal.' })
        const argv = onlyAfterDashes(cli, words)
        if (argv === undefined || argv.length === 0)
          throw new NimbusError('usage', 'There is no command to run in the terminal.', {
            kind: 'usage',
            cure: 'Put it after --, as in: nimbus terminal open -- bash',
          })
        return open(cli, argv, options)
      }),
    )
}

async function open(cli: Cli, argv: readonly string[], options: Record<string, unknown>): Promise<number> {
  const { worker, name, env, secret, repo, ref, detach, leaveKey } = options
  const { stdout } = cli.io
  const request = {
    argv,
    worker,
    name,
    repo,
    ref,
    env: parsePairs(env as string[] | undefined, '--env'),
    secrets: secret,
    ...(stdout.isTTY ? { size: { cols: stdout.columns || 80, rows: stdout.rows || 24 } } : {}),
  }
  const made = await (await createClient(cli)).post<TerminalView>('/api/terminals', request)
  if (cli.globals.json) cli.printJson(made)
  else if (detach === true) cli.print(made.id)
  else
    cli.note(
      `nimbus: terminal ${made.id} on ${safe(made.workerName)}; ${String(leaveKey)} leaves it, nimbus session attach ${made.id} comes back.`,
    )
  return detach === true || cli.globals.json ? 0 : attach(cli, made.id, { mode: 'write', leaveKey: String(leaveKey) })
}

function addAttach(command: Command, action: Action): void {
  command
    .description('show a terminal here and write in it, wherever it runs')
    .option('--read-only', 'only watch')
    .option('--take', 'write even where somebody else does: he is told')
    .option('--leave-key <key>', 'the key that leaves it', LEAVE_KEY)
    .action(
      action(async (cli, [id = ''], { readOnly, take, leaveKey }) => {
        if (readOnly === true && take === true)
          throw new NimbusError('usage', '--read-only and --take exclude each other.', { kind: 'usage', cure: 'Give one of them.' })
        const mode: AttachMode = readOnly === true ? 'read' : take === true ? 'take' : 'write'
        return attach(cli, id, { mode, leaveKey: String(leaveKey) })
      }),
    )
}
