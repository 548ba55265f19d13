// Entry of the command line: hands the program this process's streams, and the node to those commands that start one.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { endOnBrokenPipe } from './cli/exit-codes.ts'
import { runProgram } from './cli/program.ts'
import type { RunNode } from './cli/run-node.ts'
import type { Io } from './cli/context.ts'

/** Config and node are loaded by `up` alone: everything else has to answer at once. */
const runNode: RunNode = async (cli, flags, ready) => {
  // Loading makes much garbage at once. V8 would double its young space for it six times over and keep those 64 MB for ever.
  setFlagsFromString('--semi-space-growth-factor=1')
  const { checkDataFolder } = await import('./data-folder.ts')
  await checkDataFolder(cli.dataDir)
  const { loadConfig } = await import('./config.ts')
  const options = await loadConfig({ dataDir: cli.dataDir, workDir: cli.io.workDir, env: cli.io.env, flags })
  const { startNode } = await import('./node.ts')
  for (;;) {
    const node = await startNode(options, { ready })
    setFlagsFromString('--semi-space-growth-factor=2') // from here on it grows as the work of the node asks for
    process.on('SIGTERM', node.stop).on('SIGINT', node.stop)
    const { code, restart } = await node.stopped
    process.off('SIGTERM', node.stop).off('SIGINT', node.stop)
    if (!restart) return code
    delete options.join
  }
}

const CONFIG_HELP = `Configuration: the same keys in nimbus.config.json or nimbus.config.ts (export const config = {…}) of the data
folder, then of the working folder, then NIMBUS_* variables (NIMBUS_SLOTS=4, NIMBUS_ROLES=a,b), then flags:
  name, http, listen[], join, repo, roles[], skills[], labels{}, pool, slots, preset, mdns, accept[], auth,
  maxOpenTasks (of this node, 100000), maxOpenBytes (256 MiB), retention (7d: how long the files of a task stay)`

const io: Io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env, workDir: process.cwd() }
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
endOnBrokenPipe(io)
const code = await runProgram(process.argv.slice(2), io, {
  runNode,
  version,
  configHelp: CONFIG_HELP,
  binFile: fileURLToPath(new URL('nimbus.js', import.meta.url)),
})
// Leaves through exit, since a kept-alive connection would hold the process for seconds; first everything is written.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
