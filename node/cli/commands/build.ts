// What a repository would be built with, said before anything runs; and the same, carried out here.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { detect } from '../../builds/detect.ts'
import { readOverride } from '../../builds/override.ts'
import type { BuildPlan } from '../../builds/plan.ts'
import { planBuild } from '../../builds/plan.ts'
import type { Step } from '../../builds/project.ts'
import { runBuild } from '../../builds/run/run-build.ts'
import { openWorkTree } from '../../builds/work-tree.ts'
import { createHoldingClock } from '../../kernel/clock.ts'
import { parseDuration } from '../../kernel/durations.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { createClient } from '../client.ts'
import type { Action, Cli } from '../context.ts'
import { duration, oneOf, wholeNumber } from '../options.ts'
import { renderTable } from '../table.ts'
import { addBuildViews } from './builds/build-views.ts'
import { cachePortOf } from './builds/cache-port.ts'
import { shellWords } from '../tasks/task-view.ts'

const STEP_MS = 30 * 60_000
const STEP_CHARS_MAX = 300
const MEGABYTE = 2 ** 20
const MEMORY_MB_MAX = 1024 * 1024

export function addBuildCommands(program: Command, action: Action): void {
  const build = program.command('build').description('how repositories are built')
  build
    .command('plan [dir]')
    .description('what would be run to build a folder, and why; runs nothing')
    .action(
      action(async (cli, [dir = '.']) => {
        const plan = planOf(resolve(dir))
        if (cli.globals.json) return cli.printJson(plan)
        printPlan(cli, plan)
      }),
    )
  build
    .command('run [dir]')
    .description('build a folder here: install, build and test in a sandbox, with recovery from what can be cured')
    .option('--sandbox <tier>', 'process (default) or none', oneOf('--sandbox', ['process', 'none']))
    .option('--step-timeout <duration>', 'the longest a single command may take (default 30m)', duration('--step-timeout'))
    .option(
      '--memory <mb>',
      'the most memory that a command and all that it starts may use, in MB',
      wholeNumber('--memory', 1, MEMORY_MB_MAX),
    )
    .option('--report <file>', 'write the report there as JSON')
    .option('--cache <file>', 'in a task: use what builds with the same lockfiles have fetched, and leave what this one fetched there')
    .option('--no-cache', 'fetch everything anew, and leave nothing for others')
    .action(action((cli, [dir = '.'], options) => buildHere(cli, resolve(dir), options)))
  addBuildViews(build, action)
}

/** Inside a task, its node hears of each command as it begins; that it hears is worth no failure. */
async function stepTeller(cli: Cli): Promise<(step: Step, done: number, all: number) => void> {
  const { NIMBUS_TASK: task, NIMBUS_URL: url, NIMBUS_TOKEN: token } = cli.io.env
  if (task === undefined || url === undefined || token === undefined) return () => {}
  const client = await createClient(cli)
  return ({ phase, argv }, done, all) => {
    const message = `${phase}: ${shellWords(argv)}`.slice(0, STEP_CHARS_MAX)
    client.post(`/api/tasks/${encodeURIComponent(task)}/progress`, { message, percent: Math.floor((done / all) * 100) }).catch(() => {}) // told for people only
  }
}

async function buildHere(cli: Cli, root: string, options: Record<string, unknown>): Promise<number> {
  const plan = planOf(root)
  const home = mkdtempSync(join(tmpdir(), 'nimbus-build-'))
  const stop = new AbortController()
  try {
    const report = await runBuild(createHoldingClock(), {
      root,
      plan,
      home,
      sandbox: options['sandbox'] === 'none' ? 'none' : 'process',
      stepTimeoutMs: parseDuration(typeof options['stepTimeout'] === 'string' ? options['stepTimeout'] : '30m') ?? STEP_MS,
      memoryBytesMax: typeof options['memory'] === 'number' ? options['memory'] * MEGABYTE : undefined,
      environment: cli.io.env,
      onOutput: (stream, piece) => void (cli.globals.json || stream === 'stderr' ? cli.io.stderr : cli.io.stdout).write(piece),
      say: cli.note,
      onStep: await stepTeller(cli),
      signal: stop.signal,
      ...(typeof options['cache'] === 'string' ? { caches: cachePortOf(cli, resolve(options['cache'])) } : {}),
    })
    const { report: file } = options
    if (typeof file === 'string') writeFileSync(file, JSON.stringify({ ...report, plan }))
    if (cli.globals.json) cli.printJson(report)
    else if (report.result === 'failed') cli.note(`The build failed (${report.failure ?? 'unknown'}): ${report.reason ?? ''}.`)
    else cli.note(`Built: ${report.tries.length} commands${report.flaky === true ? '; a test failed at first and then passed' : ''}.`)
    return report.result === 'succeeded' ? 0 : 1
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

function planOf(root: string): BuildPlan {
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new NimbusError('no-folder', `There is no folder ${root}.`, { kind: 'missing', cure: 'Name the folder of a repository.' })
  const own = join(root, 'nimbus.yaml')
  const override = statSync(own, { throwIfNoEntry: false })?.isFile() === true ? readOverride(readFileSync(own, 'utf8')) : {}
  return planBuild(detect(openWorkTree(root)), override)
}

function printPlan(cli: Cli, plan: BuildPlan): void {
  if (plan.steps.length === 0) cli.note('Nothing to build was found. A nimbus.yaml can say what to run: build, test, artifacts.')
  else
    cli.print(
      renderTable(
        cli.io,
        [{ title: 'PHASE' }, { title: 'COMMAND', gives: true }, { title: 'IN' }, { title: 'WHY', gives: true }],
        plan.steps.map((step) => [step.phase, shellWords(step.argv), step.dir === '' ? '.' : step.dir, step.reason]),
      ),
    )
  for (const { name, version, reason } of plan.tools) cli.print(`needs ${name}${version === undefined ? '' : ` ${version}`} (${reason})`)
  if (plan.artifacts.length > 0) cli.print(`keeps ${plan.artifacts.join(', ')}`)
  for (const line of plan.reasons.filter((one) => !one.includes(' → '))) cli.print(line)
}
