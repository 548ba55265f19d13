// What a repository would be built with, said before anything runs.
import { readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { detect } from '../../builds/detect.ts'
import { readOverride } from '../../builds/override.ts'
import type { BuildPlan } from '../../builds/plan.ts'
import { planBuild } from '../../builds/plan.ts'
import { openWorkTree } from '../../builds/work-tree.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Action, Cli } from '../context.ts'
import { renderTable } from '../table.ts'
import { shellWords } from '../tasks/task-view.ts'

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
