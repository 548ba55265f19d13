// Builds of the whole mesh: the list, one with what it ran and what was done about failures, its output.
import type { Command } from 'commander'
import type { BuildDetail, BuildView } from '../../../../protocols/builds/build-views.ts'
import type { LogChunk, Page } from '../../../../protocols/http/views.ts'
import { formatDuration } from '../../../kernel/durations.ts'
import { safe } from '../../../kernel/safe-text.ts'
import { formatBytes } from '../../../kernel/sizes.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { wholeNumber } from '../../options.ts'
import type { Tone } from '../../table.ts'
import { renderTable } from '../../table.ts'
import { follow } from '../task-run.ts'
import { createLogWriter } from '../../tasks/log-writer.ts'
import { shellWords } from '../../tasks/task-view.ts'

const COMMIT_CHARS = 10
const LIST_MAX = 500

export function addBuildViews(build: Command, action: Action): void {
  build
    .command('ls')
    .description('builds of the mesh, newest first')
    .option('--limit <n>', 'at most so many', wholeNumber('--limit', 1, LIST_MAX), 20)
    .action(
      action(async (cli, _words, { limit }) => {
        const { items } = await (await createClient(cli)).get<Page<BuildView>>(`/api/builds?limit=${String(limit)}`)
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else if (items.length === 0) cli.print('No builds yet: nimbus task run --kind build --repo URL')
        else cli.print(renderTable(cli.io, COLUMNS, items.map(rowOf)))
      }),
    )
  build
    .command('show <id>')
    .description('one build: its commands, what failed, what was done about it')
    .action(
      action(async (cli, [id = '']) => {
        const one = await (await createClient(cli)).get<BuildDetail>(`/api/builds/${encodeURIComponent(id)}`)
        if (cli.globals.json) cli.printJson(one)
        else printBuild(cli, one)
      }),
    )
  build
    .command('logs <id>')
    .description('output of a build')
    .option('-f, --follow', 'until it ends')
    .action(
      action(async (cli, [id = ''], { follow: following }) => {
        const client = await createClient(cli)
        if (following === true) return void (await follow(cli, client, id, { cancelOnInterrupt: false }))
        const write = createLogWriter(cli)
        const path = `/api/tasks/${encodeURIComponent(id)}/log?from=0`
        for await (const chunk of client.jsonLines<LogChunk>(path, new AbortController().signal)) await write(chunk)
      }),
    )
}

const COLUMNS = [{ title: 'BUILD' }, { title: 'STATE' }, { title: 'WORKER' }, { title: 'COMMIT' }, { title: 'WHAT', gives: true }]

function rowOf(build: BuildView) {
  const { id, state, worker, commit, repo } = build
  return [
    id,
    { text: state, tone: toneOf(build) },
    worker ?? '-',
    commit?.slice(0, COMMIT_CHARS) ?? '-',
    `${repo ?? 'a folder'}${tailOf(build)}`,
  ]
}

/** What it does now, or how it ended, in a few words. */
function tailOf({ state, phase, step, failure, flaky, waiting }: BuildView): string {
  if (state === 'running' && phase !== null) return ` (${phase}${step === null ? '' : `: ${step}`})`
  if (failure !== null) return ` (${failure})`
  return waiting === null ? (flaky ? ' (flaky tests)' : '') : ` (${waiting.message})`
}

function toneOf({ state }: BuildView): Tone {
  return state === 'succeeded' ? 'good' : state === 'failed' || state === 'dead' ? 'bad' : state === 'running' ? 'busy' : 'plain'
}

function printBuild(cli: Cli, build: BuildDetail): void {
  const line = (name: string, text: string | null): void => {
    if (text !== null && text !== '') cli.print(`${name.padEnd(9)}${safe(text)}`)
  }
  line('build', build.id)
  line('state', `${build.state}${build.flaky ? ', a test failed at first and then passed' : ''}`)
  line('of', build.repo === null ? 'a shipped folder' : `${build.repo}${build.ref === null ? '' : ` at ${build.ref}`}`)
  line('commit', build.commit)
  line('by', build.worker)
  line('now', build.phase === null ? null : `${build.phase}${build.step === null ? '' : `: ${build.step}`}`)
  line('waits', build.waiting === null ? null : `${build.waiting.message} (${build.waiting.cure})`)
  line('failed', build.failure === null ? null : `${build.failure}: ${build.reason ?? ''}`)
  line('good', build.lastGood === null ? null : `commit ${build.lastGood.commit} by build ${build.lastGood.task}`)
  line('rebuilt', build.followedBy?.lastGood === undefined ? null : `the last good commit, by build ${build.followedBy.lastGood}`)
  line('repair', build.followedBy?.repair === undefined ? null : `session ${build.followedBy.repair}: nimbus session show, diff, merge`)
  for (const note of build.notes ?? []) line('note', note)
  for (const { worker, reason } of build.moves) line('moved', `away from ${worker}: ${reason}`)
  line(
    'tools',
    Object.entries(build.tools)
      .map(([name, version]) => `${name} ${version}`.trim())
      .join(', '),
  )
  const { cache } = build
  if (cache !== undefined) line('cache', `${cache.hit ? 'a hit' : 'a miss'}, ${cache.files} downloads, ${formatBytes(cache.size)}`)
  if (build.tries.length > 0)
    cli.print(
      renderTable(
        cli.io,
        [{ title: 'PHASE' }, { title: 'COMMAND', gives: true }, { title: 'TOOK', right: true }, { title: 'END' }],
        build.tries.map(({ phase, argv, startedAt, endedAt, failure, recovery }) => [
          phase,
          shellWords(argv),
          formatDuration(endedAt - startedAt),
          failure === undefined ? { text: 'done', tone: 'good' } : { text: `${failure} → ${recovery ?? ''}`, tone: 'bad' },
        ]),
      ),
    )
  for (const { path, hash } of build.artifacts) line('left', `${path} ${hash}`)
}
