// A node's life: start it, join with it, stop it, leave with it. The node itself is handed in: a command that does not
// start one never loads it.
import type { Command } from 'commander'
import { formatDuration } from '../../kernel/durations.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { safe } from '../../kernel/safe-text.ts'
import { createClient } from '../client.ts'
import type { Action, Cli } from '../context.ts'
import { startInBackground, waitForEnd } from '../background.ts'
import { collect, duration, parsePairs, wholeNumber } from '../options.ts'
import type { ProgramComponents, ReadyLine, UpFlags } from '../run-node.ts'

const INVITE_CHARS_MAX = 16_384

export function addUpCommands(
  program: Command,
  action: Action,
  components: Pick<ProgramComponents, 'runNode' | 'binFile' | 'configHelp'>,
): void {
  const start = async (cli: Cli, options: Record<string, unknown>): Promise<number> => {
    const flags = await flagsOf(cli, options)
    if (options['detach'] === true) return startInBackground(cli, flags, components.binFile, (info) => printReady(cli, info))
    return components.runNode(cli, flags, (info) => printReady(cli, info))
  }
  nodeOptions(program.command('up').description('start a node; the first one founds a mesh'))
    .option('--join <invite>', 'join a mesh; - reads the invite from stdin')
    .addHelpText('after', `\n${components.configHelp}`)
    .action(action((cli, _words, options) => start(cli, options)))
  nodeOptions(program.command('join <invite>').description('start a node that joins a mesh: like up --join')).action(
    action((cli, [join], options) => start(cli, { ...options, join })),
  )

  program
    .command('down')
    .description('stop the node of this data folder; its work is finished or handed over first')
    .option('--now', 'do not wait for running work')
    .action(
      action(async (cli, _words, { now }) => {
        const waitedMs = await waitForEnd(
          cli,
          async () => void (await (await createClient(cli)).post('/api/shutdown', { drain: now !== true })),
        )
        if (cli.globals.json) cli.printJson({ stopped: true })
        else cli.print(`Stopped after ${formatDuration(waitedMs)}.`)
      }),
    )
  program
    .command('leave')
    .description('hand over seats and work, then leave the mesh for good')
    .action(
      action(async (cli) => {
        await (await createClient(cli)).post('/api/mesh/leave')
        if (cli.globals.json) cli.printJson({ left: true })
        else
          cli.print('This node has left its mesh. To join another, start one with a new data folder: nimbus up --data DIR --join INVITE.')
      }),
    )
}

function nodeOptions(command: Command): Command {
  return command
    .option('--name <name>', 'name of the worker (default: the machine’s)')
    .option('--http <host:port>', 'where the API and the dashboard listen; port 0 picks a free one (default 127.0.0.1:7777)')
    .option('--listen <multiaddr>', 'where other nodes connect (default: all interfaces, a port kept for next time)', collect)
    .option('--repo <url>', 'the repository this worker is for')
    .option('--role <role>', 'a role it has', collect)
    .option('--skill <skill>', 'something it can do', collect)
    .option('--label <k=v>', 'a label tasks may ask for', collect)
    .option('--pool <pool>', 'the pool it belongs to')
    .option('--slots <n>', 'tasks it runs at once (default: by its cores)', wholeNumber('--slots', 0, 1024))
    .option('--preset <preset>', 'timings for local, lan or wan')
    .option('--mdns', 'find nodes of the same mesh on the local network')
    .option('--accept <rule>', 'limits what others may run here', collect)
    .option('--auth <mode>', 'none asks for no token; only on loopback')
    .option('--service-host <ip>', 'where services of this worker listen (default 127.0.0.1)')
    .option('--retention <d>', 'keeps logs and files of a task this long after its end (default 7d)', duration('--retention'))
    .option('--follow <url#branch>', 'keep this worker at the newest commit of that branch that passes its proof; see nimbus upgrade')
    .option('--detach', 'start in the background and come back when it is ready')
}

async function flagsOf(cli: Cli, options: Record<string, unknown>): Promise<UpFlags> {
  const { role, skill, label, join, detach: _detach, ...same } = options
  return {
    ...(same as UpFlags),
    roles: role as string[] | undefined,
    skills: skill as string[] | undefined,
    labels: parsePairs(label as string[] | undefined, '--label'),
    join: join === '-' ? await readInvite(cli) : (join as string | undefined),
  }
}

/** From stdin, so that the invite is in no list of processes. */
async function readInvite(cli: Cli): Promise<string> {
  let text = ''
  for await (const piece of cli.io.stdin) {
    text += String(piece)
    if (text.length > INVITE_CHARS_MAX) break
  }
  if (text.trim() === '')
    throw new NimbusError('usage', 'No invite came on stdin.', { kind: 'usage', cure: 'Pipe it in: echo INVITE | nimbus up --join -' })
  return text.trim()
}

function printReady(cli: Cli, info: ReadyLine): void {
  if (cli.globals.json) {
    const { name, http, signInUrl, peerId, mesh, addresses, pid } = info
    return cli.printJson({ event: 'ready', name, http, signInUrl, peerId, mesh, addresses, pid })
  }
  cli.print(`ready ${safe(info.name)} ${info.http} (mesh ${info.mesh}, peer ${info.peerId})`)
  cli.print(`sign in: ${info.signInUrl} (once, within a minute; nimbus open makes another)`)
}
