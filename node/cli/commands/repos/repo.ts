// The repositories that a worker keeps.
import type { Command } from 'commander'
import type { PullView, RepoView, TreeView } from '../../../../protocols/http/repos.ts'
import { createHoldingClock, sleep } from '../../../kernel/clock.ts'
import { formatDuration } from '../../../kernel/durations.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import { safe } from '../../../kernel/safe-text.ts'
import { formatBytes } from '../../../kernel/sizes.ts'
import { progressText } from '../../../repos/progress.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { oneOf } from '../../options.ts'
import type { Cell } from '../../table.ts'
import { renderFacts, renderTable } from '../../table.ts'
import { addRepoAuthCommands } from './repo-auth.ts'

const LOOK_MS = 200
const EXIT_CHOICE = 1

export function addRepoCommands(program: Command, action: Action): void {
  const repo = program.command('repo').description('repositories that this worker keeps, and what they are read with')
  repo
    .command('add <url>')
    .description('keep a repository: a mirror of it and a work tree; waits until it is there, and goes on by itself where it was cut off')
    .option('--ref <ref>', 'the branch or tag of the work tree (default: the default branch, wherever it moves)')
    .option('--name <name>', 'what it is called here (default: the end of the address)')
    .action(
      action(async (cli, [url = ''], { ref, name }) => {
        const added = await (await createClient(cli)).post<RepoView>('/api/repos', { url, ref, name })
        show(cli, await settled(cli, added.name))
      }),
    )
  repo
    .command('ls')
    .description('those that are here')
    .action(
      action(async (cli) => {
        const { items } = await (await createClient(cli)).get<{ items: RepoView[] }>('/api/repos')
        if (cli.globals.json) return items.forEach((item) => cli.printJson(item))
        if (items.length === 0) return cli.print('No repositories. Keep one: nimbus repo add URL')
        const columns = [
          { title: 'REPOSITORY' },
          { title: 'STATE' },
          { title: 'FETCHED', right: true },
          { title: 'TREES' },
          { title: 'URL', gives: true },
        ]
        const age = (at: number | undefined): string => (at === undefined ? '-' : formatDuration(cli.now() - at))
        cli.print(
          renderTable(
            cli.io,
            columns,
            items.map((item) => [item.name, stateOf(item), age(item.fetchedAt), item.trees.map((tree) => tree.name).join(' '), item.url]),
          ),
        )
      }),
    )
  repo
    .command('show <name>')
    .description('one, with what is in its work trees')
    .action(action(async (cli, [name = '']) => show(cli, await (await createClient(cli)).get<RepoView>(pathOf(name)))))
  repo
    .command('fetch <name>')
    .description('bring its mirror up to date')
    .action(action(async (cli, [name = '']) => show(cli, await (await createClient(cli)).post<RepoView>(`${pathOf(name)}/fetch`))))
  addTreeCommands(repo, action)
  addRepoAuthCommands(repo, action)
}

function addTreeCommands(repo: Command, action: Action): void {
  repo
    .command('pull <name>')
    .description('bring a work tree up to date; where work is in the way it says so, and touches nothing')
    .option('--tree <tree>', 'which (default: main)')
    .option(
      '--resolve <choice>',
      'keep: leave it; reset: take what is upstream and drop what is here; branch: the same, and keep what is here as a branch',
      oneOf('--resolve', ['keep', 'reset', 'branch']),
    )
    .action(
      action(async (cli, [name = ''], { tree, resolve }) => {
        const pulled = await (await createClient(cli)).post<PullView>(`${pathOf(name)}/pull`, { tree, resolve })
        if (cli.globals.json) cli.printJson(pulled)
        else {
          cli.print(`${pulled.state}: ${pulled.message}${pulled.kept === undefined ? '' : ` What was here is the branch ${pulled.kept}.`}`)
          for (const note of pulled.notes ?? []) cli.print(safe(note))
          for (const choice of pulled.choices)
            cli.print(`  nimbus repo pull ${name}${pulled.tree === 'main' ? '' : ` --tree ${pulled.tree}`} --resolve ${choice}`)
        }
        return pulled.choices.length > 0 ? EXIT_CHOICE : 0
      }),
    )
  repo
    .command('worktree <name> <tree>')
    .description('a further work tree of it')
    .option('--branch <branch>', 'which branch (default: the default branch)')
    .option('--rm', 'remove that tree')
    .option('--discard', 'with --rm: also where work is in it that is nowhere else')
    .action(
      action(async (cli, [name = '', tree = ''], { branch, rm, discard }) => {
        const client = await createClient(cli)
        const path = `${pathOf(name)}/trees`
        if (rm === true) await client.delete(`${path}/${encodeURIComponent(tree)}?discard=${discard === true}`)
        else await client.post<RepoView>(path, { tree, branch })
        show(cli, await client.get<RepoView>(pathOf(name)))
      }),
    )
  repo
    .command('rm <name>')
    .description('remove it, unless work is in its trees that is nowhere else')
    .option('--discard', 'that as well, for good')
    .action(
      action(async (cli, [name = ''], { discard }) => {
        await (await createClient(cli)).delete(`${pathOf(name)}?discard=${discard === true}`)
        if (cli.globals.json) cli.printJson({ removed: name })
        else cli.print(`${name} is removed.`)
      }),
    )
}

/** Waits for the end of a fetch and says on stderr how it goes. */
async function settled(cli: Cli, name: string): Promise<RepoView> {
  const client = await createClient(cli)
  const clock = createHoldingClock()
  let said = ''
  for (;;) {
    const repo = await client.get<RepoView>(pathOf(name))
    if (repo.state === 'ready') return repo
    if (repo.state === 'failed')
      throw new NimbusError('repo-failed', repo.error ?? 'It could not be fetched.', { cure: `nimbus repo fetch ${name} tries again.` })
    const text = repo.progress === undefined ? '' : progressOf(repo.progress)
    if (text !== said && text !== '') cli.note(`nimbus: ${text}`)
    said = text
    await sleep(clock, LOOK_MS)
  }
}

function progressOf({ total, percent, bytes, bytesPerSecond, remainingMs, ...rest }: NonNullable<RepoView['progress']>): string {
  return progressText({
    ...rest,
    total,
    percent,
    ...(bytes === undefined ? {} : { bytes }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    ...(remainingMs === undefined ? {} : { remainingMs }),
  })
}

function show(cli: Cli, repo: RepoView): void {
  if (cli.globals.json) return cli.printJson(repo)
  const facts: [string, Cell | undefined][] = [
    ['repository', repo.name],
    ['url', repo.url],
    ['state', stateOf(repo)],
    ['error', repo.error],
    ['default branch', repo.defaultBranch],
    ['commit', repo.commit],
    ['mirror', repo.bytes === undefined ? undefined : formatBytes(repo.bytes)],
    ...repo.trees.flatMap((tree): [string, Cell][] => [
      [`tree ${tree.name}`, treeText(tree)],
      ...(tree.notes ?? []).map((note): [string, Cell] => ['note', note]),
    ]),
  ]
  cli.print(renderFacts(cli.io, facts))
}

function treeText({ dir, branch, commit, changed, unpushed, unsafe }: TreeView): string {
  const work =
    unsafe ?? (changed === undefined ? '' : changed + (unpushed ?? 0) === 0 ? 'clean' : `${changed} changed, ${unpushed} unpushed`)
  return [branch, commit?.slice(0, 12) ?? '', work, dir].filter((part) => part !== '').join('  ')
}

function stateOf({ state, progress }: RepoView): string {
  return progress === undefined ? state : `${state} (${progressOf(progress)})`
}

function pathOf(name: string): string {
  return `/api/repos/${encodeURIComponent(name)}`
}
