// The command line as a whole: parses, runs one command, gives its exit code. Never ends the process itself.
import { Command, CommanderError } from 'commander'
import { addBuildCommands } from './commands/build.ts'
import { addArtifactCommands } from './commands/tasks/artifact.ts'
import { addGroupCommands } from './commands/group.ts'
import { addFleetCommands } from './commands/fleet.ts'
import { addMessageCommands } from './commands/message.ts'
import { addMeshCommands } from './commands/mesh.ts'
import { addHostedRepoCommands } from './commands/hosting/hosted-repo.ts'
import { addCostCommands } from './commands/costs/costs.ts'
import { addScheduleCommands } from './commands/schedule.ts'
import { addTokenCommands } from './commands/access/token.ts'
import { addSecretCommands } from './commands/tasks/secret.ts'
import { addPoolCommands } from './commands/tasks/pool.ts'
import { addNameCommands } from './commands/names/names.ts'
import { addRepoCommands } from './commands/repos/repo.ts'
import { addSessionCommands } from './commands/sessions/session.ts'
import { addShellCommands } from './commands/shell.ts'
import { addInstallCommands } from './commands/services/install.ts'
import { addServiceCommands } from './commands/services/service.ts'
import { addAskCommands } from './commands/tools/ask.ts'
import { addKnowCommands } from './commands/tools/know.ts'
import { addMcpCommands } from './commands/tools/mcp.ts'
import { addSpawnCommands } from './commands/spawn.ts'
import { addTaskCommands } from './commands/task.ts'
import { addUpgradeCommands } from './commands/upgrade/upgrade.ts'
import { addTerminalCommands } from './commands/terminals/terminal.ts'
import { addUpCommands } from './commands/up.ts'
import { addWatchCommands } from './commands/watch.ts'
import type { Action, Io } from './context.ts'
import { createCli, takeGlobals } from './context.ts'
import { describeError, EXIT, exitCodeOf } from './exit-codes.ts'
import type { ProgramComponents } from './run-node.ts'

const GLOBAL_HELP = `
Everywhere, before --:
  --data DIR               data folder of the node (default ~/.nimbus; NIMBUS_DATA)
  --url URL --token TOKEN  another node (NIMBUS_URL, NIMBUS_TOKEN)
  --json                   one JSON document, or JSON lines, on stdout
  --quiet                  no messages beside the answer

Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 refused, 5 unreachable;
task run and task wait end with the task's own (124 timed out, 128+n signal, 125 Nimbus).`
const FIRST_STEPS = `
First steps:
  nimbus up                       start a node; it prints where its dashboard is
  nimbus task run -- echo hello   run something on it
  nimbus invite                   let another machine join: nimbus up --join INVITE
`

/** @param argv the words after the program's name */
export async function runProgram(argv: readonly string[], io: Io, components: ProgramComponents): Promise<number> {
  try {
    const { globals, words, rest } = takeGlobals(argv)
    const cli = createCli(io, globals, rest)
    let code = 0
    const action: Action =
      (work) =>
      async (...given) => {
        const command = given.pop() as Command
        given.pop()
        code = (await work(cli, given.flat() as string[], command.opts())) ?? 0
      }
    const program = buildProgram(io, components, action)
    if (words.length === 0 && rest === undefined) {
      io.stderr.write(program.helpInformation() + FIRST_STEPS)
      return EXIT.usage
    }
    await program.parseAsync(rest === undefined ? words : [...words, '--', ...rest], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return isHelp(error) ? EXIT.done : EXIT.usage
    io.stderr.write(`${describeError(error, io.env)}\n`)
    return exitCodeOf(error)
  }
}

/** Also what completion reads: every command and option is here. */
function buildProgram(io: Io, components: ProgramComponents, action: Action): Command {
  const program = new Command('nimbus')
  program.description('A mesh of workers without a centre: one queue, one dashboard, no server.')
  program.usage('COMMAND [OPTIONS]').helpOption('-h, --help', 'help for any command').helpCommand(false).enablePositionalOptions()
  program.version(components.version, '--version', 'the version')
  program.addHelpText('after', GLOBAL_HELP)
  addUpCommands(program, action, components)
  addMeshCommands(program, action)
  addFleetCommands(program, action)
  addGroupCommands(program, action)
  addTaskCommands(program, action)
  addArtifactCommands(program, action)
  addSecretCommands(program, action)
  addTokenCommands(program, action)
  addRepoCommands(program, action)
  addPoolCommands(program, action)
  addBuildCommands(program, action)
  addHostedRepoCommands(program, action)
  addSessionCommands(program, action)
  addCostCommands(program, action)
  addScheduleCommands(program, action)
  addMessageCommands(program, action)
  addServiceCommands(program, action)
  addAskCommands(program, action)
  addKnowCommands(program, action)
  addMcpCommands(program, action, { version: components.version })
  addInstallCommands(program, action, components)
  addSpawnCommands(program, action, components)
  addNameCommands(program, action)
  addUpgradeCommands(program, action)
  addTerminalCommands(program, action)
  addWatchCommands(program, action)
  addShellCommands(program, action, components)
  settle(program, io)
  return program
}

function settle(command: Command, io: Io): void {
  command.exitOverride()
  command.configureOutput({
    writeOut: (text) => void io.stdout.write(text),
    writeErr: (text) => void io.stderr.write(text),
    outputError: (text, write) => write(`nimbus: ${plain(text)}\n  ${commandPath(command)} --help tells more.\n`),
    getOutHelpWidth: () => Math.min(io.stdout.columns || 80, 100),
    getErrHelpWidth: () => 80,
  })
  for (const child of command.commands) settle(child, io)
}

/** commander's message in our words: one line, with the suggestion in it. */
function plain(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\?\)$/s, '. Did you mean $1?')
}

function commandPath(command: Command): string {
  return command.parent === null ? command.name() : `${commandPath(command.parent)} ${command.name()}`
}

function isHelp(error: CommanderError): boolean {
  return error.code === 'commander.helpDisplayed' || error.code === 'commander.version'
}
