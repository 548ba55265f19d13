// Entry of the command line: hands the program this process's streams, and the node to those commands that start one.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { endOnBrokenPipe } from './cli/exit-codes.ts'
import { runProgram } from './cli/program.ts'
import type { RunNode } from './cli/run-node.ts'
import type { Io } from './cli/context.ts'
import { commitOfTree, OWN_TREE } from './upgrade/stage/tree-commit.ts'

/** Config and node are loaded by `up` alone: everything else has to answer at once. */
const runNode: RunNode = async (cli, flags, ready) => {
  // Loading makes much garbage at once. V8 would double its young space for it six times over and keep those 64 MB for ever.
  setFlagsFromString('--semi-space-growth-factor=1')
  const { checkDataFolder } = await import('./data-folder.ts')
  await checkDataFolder(cli.dataDir)
  const { loadConfig } = await import('./config.ts')
  const options = await loadConfig({ dataDir: cli.dataDir, workDir: cli.io.workDir, env: cli.io.env, flags })
  const { supervisorLink } = await import('./runner/commands/version-process.ts')
  const link = supervisorLink()
  if (options.upgrade !== undefined && link === undefined) {
    const { superviseNode } = await import('./upgrade/supervise/supervise-node.ts')
    const { argumentsOf } = await import('./cli/background.ts')
    const { json, quiet } = cli.globals
    return superviseNode({
      dataDir: cli.dataDir,
      workDir: cli.io.workDir,
      env: { ...cli.io.env, ...(flags['join'] === undefined ? {} : { NIMBUS_JOIN: flags['join'] as string }) },
      words: [...argumentsOf(flags), '--data', cli.dataDir, ...(json ? ['--json'] : []), ...(quiet ? ['--quiet'] : [])],
      note: cli.note,
    })
  }
  const { startNode } = await import('./node.ts')
  for (;;) {
    const node = await startNode(options, {
      ready(info) {
        ready(info)
        link?.say({ say: 'ready', http: info.http })
      },
    })
    // Who watched is gone without a word: nobody would start this node again, so it hands its work over and ends.
    link?.onGone(() => (node.stop(), node.stop()))
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
  follow, upgrade{follow, policy, signers[], check[], every, drain, canary}, serviceHost, maxOpenTasks (of this node, 100000), maxOpenBytes (256 MiB), retention (7d: how long the files of a task stay),
  cacheBytes (2 GiB: what builds fetch and share, the oldest goes first; 0 for none)`

const io: Io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env, workDir: process.cwd() }
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const commit = commitOfTree(OWN_TREE)
endOnBrokenPipe(io)
const code = await runProgram(process.argv.slice(2), io, {
  runNode,
  version,
  ...(commit === undefined ? {} : { commit }),
  configHelp: CONFIG_HELP,
  binFile: fileURLToPath(new URL('nimbus.js', import.meta.url)),
})
// Leaves through exit, since a kept-alive connection would hold the process for seconds; first everything is written.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
