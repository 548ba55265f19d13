// Secrets of the mesh. A value comes from stdin, so that it stands in no list of processes and no history; it is never shown again.
import type { Command } from 'commander'
import type { SecretView } from '../../../../protocols/http/secrets.ts'
import { SECRET_BYTES_MAX } from '../../../../protocols/limits.ts'
import { formatDuration } from '../../../kernel/durations.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { collect } from '../../options.ts'
import { renderTable } from '../../table.ts'

export function addSecretCommands(program: Command, action: Action): void {
  const secret = program.command('secret').description('values that only the workers of your choice can open')
  secret
    .command('set <name>')
    .description('set it to what comes on stdin; a task that asks with --secret NAME finds it in the variable NAME')
    .option('--worker <worker>', 'only this worker may open it (default: all of now)', collect)
    .action(
      action(async (cli, [name = ''], { worker }) => {
        const client = await createClient(cli)
        const value = await valueFrom(cli)
        const made = await client.post<SecretView>('/api/secrets', { name, value, workers: worker })
        if (cli.globals.json) cli.printJson(made)
        else cli.print(`${made.name} is version ${made.version}; ${made.workers.join(', ')} may open it.`)
      }),
    )
  secret
    .command('ls')
    .description('names, versions and who may open them')
    .action(
      action(async (cli) => {
        const { items } = await (await createClient(cli)).get<{ items: SecretView[] }>('/api/secrets')
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else if (items.length === 0) cli.print('No secrets. Set one: nimbus secret set NAME < FILE')
        else
          cli.print(
            renderTable(
              cli.io,
              [
                { title: 'SECRET' },
                { title: 'VERSION', right: true },
                { title: 'AGE', right: true },
                { title: 'BY' },
                { title: 'OPEN TO', gives: true },
              ],
              items.map((item) => [
                item.name,
                String(item.version),
                formatDuration(cli.now() - item.updatedAt),
                item.by,
                item.workers.join(', '),
              ]),
            ),
          )
      }),
    )
  secret
    .command('grant <name>')
    .description('let further workers open it')
    .requiredOption('--worker <worker>', 'this worker', collect)
    .action(
      action(async (cli, [name = ''], { worker }) => {
        const client = await createClient(cli)
        const after = await client.post<SecretView>(`/api/secrets/${encodeURIComponent(name)}/grant`, { workers: worker })
        if (cli.globals.json) cli.printJson(after)
        else cli.print(`${after.workers.join(', ')} may open ${after.name}.`)
      }),
    )
  secret
    .command('rm <name>')
    .description('remove it; what a worker read before, it may remember')
    .action(
      action(async (cli, [name = '']) => {
        await (await createClient(cli)).delete(`/api/secrets/${encodeURIComponent(name)}`)
        if (!cli.globals.json) cli.print(`${name} is removed.`)
      }),
    )
}

/** Without the line feed that an editor or `echo` puts at the end. */
async function valueFrom(cli: Cli): Promise<string> {
  if (cli.io.stdin.isTTY) cli.note('nimbus: type the value, then Enter and Ctrl-D; it is shown while you type.')
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of cli.io.stdin) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : (piece as Buffer)
    size += bytes.length
    if (size > SECRET_BYTES_MAX + 2)
      throw new NimbusError('secret-too-large', `The value is larger than ${SECRET_BYTES_MAX} bytes.`, {
        kind: 'usage',
        cure: 'Keep a key as the secret, and what it opens elsewhere.',
      })
    pieces.push(bytes)
  }
  const value = Buffer.concat(pieces)
    .toString()
    .replace(/\r?\n$/, '')
  if (value !== '') return value
  throw new NimbusError('usage', 'No value came on stdin.', { kind: 'usage', cure: 'Write: nimbus secret set NAME < FILE' })
}
