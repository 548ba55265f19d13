// Lets the machine's own service manager keep this node running, and undoes that.
import { homedir } from 'node:os'
import type { Command } from 'commander'
import { NimbusError } from '../../../kernel/errors.ts'
import type { Action, Cli } from '../../context.ts'
import type { Manager, UnitPlace } from '../../install/install-unit.ts'
import { commandsFor, placeOf, removeUnit, tellManager, writeUnit } from '../../install/install-unit.ts'
import { launchdList, systemdUnit } from '../../install/units.ts'
import { oneOf } from '../../options.ts'
import type { ProgramComponents } from '../../run-node.ts'

export function addInstallCommands(program: Command, action: Action, { binFile }: Pick<ProgramComponents, 'binFile'>): void {
  const shared = (command: Command): Command =>
    command
      .option('--user', 'for this user (the default)')
      .option('--system', 'for the machine; needs root')
      .option('--manager <manager>', "systemd or launchd (default: this system's)", oneOf('--manager', ['systemd', 'launchd']))
      .option('--no-start', 'only the file: tell the manager yourself')
  shared(
    program
      .command('install')
      .argument('[flags...]', 'flags for nimbus up, after --')
      .usage('[OPTIONS] [-- FLAGS FOR nimbus up]')
      .description('keep this node running by systemd or launchd, also after a restart of the machine')
      .option('--print', 'only show the file'),
  ).action(action((cli, words, options) => install(cli, cli.rest ?? words, options, binFile)))
  shared(program.command('uninstall').description('undo install; the data folder stays')).action(
    action(async (cli, _words, options) => {
      const place = unitOf(cli, options)
      const why = options['start'] === false ? undefined : await tellManager(place, 'stop', cli.io.env)
      const removed = await removeUnit(place)
      if (cli.globals.json) return cli.printJson({ file: place.file, removed })
      cli.print(removed ? `${place.file} is removed; ${cli.dataDir} stays.` : `There is no ${place.file}.`)
      if (removed && why !== undefined) cli.note(`nimbus: ${place.manager} was not told (${why}): end the node with nimbus down.`)
    }),
  )
}

async function install(cli: Cli, flags: readonly string[], options: Record<string, unknown>, binFile: string): Promise<void> {
  if (flags.some((flag) => flag === '--detach' || flag.startsWith('--join')))
    throw new NimbusError(
      'usage',
      '--detach and --join do not belong into a service: it stays in the foreground, and an invite is for once.',
      {
        kind: 'usage',
        cure: 'Join first: nimbus up --join INVITE; then install.',
      },
    )
  const place = unitOf(cli, options)
  const argv = [process.execPath, binFile, 'up', '--data', cli.dataDir, ...flags]
  const order = { argv, dataDir: cli.dataDir, path: cli.io.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', scope: place.scope }
  const text = place.manager === 'systemd' ? systemdUnit(order) : launchdList(place.name, order)
  if (options['print'] === true) return void cli.io.stdout.write(text)
  const changed = await writeUnit(place, text, cli.io.env)
  const why = options['start'] === false ? 'as you said' : await tellManager(place, 'start', cli.io.env)
  if (cli.globals.json) return cli.printJson({ file: place.file, changed, started: why === undefined })
  cli.print(changed ? `${place.file} is written.` : `${place.file} is as it should be.`)
  if (why === undefined) return cli.print(`${place.name} runs, and starts with ${place.scope === 'user' ? 'your session' : 'the machine'}.`)
  const tool = place.manager === 'systemd' ? 'systemctl' : 'launchctl'
  cli.note(`nimbus: it was not started (${why}). Start it with:`)
  for (const words of commandsFor(place, 'start')) cli.note(`  ${tool} ${words.join(' ')}`)
  if (place.manager === 'systemd' && place.scope === 'user')
    cli.note('A user unit ends with your last session, unless: loginctl enable-linger')
}

function unitOf(cli: Cli, { system, manager }: Record<string, unknown>): UnitPlace {
  const found = (manager as Manager | undefined) ?? (process.platform === 'darwin' ? 'launchd' : 'systemd')
  return placeOf(found, system === true ? 'system' : 'user', cli.dataDir, cli.io.env['HOME'] ?? homedir(), cli.io.env)
}
