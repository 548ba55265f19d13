// Repositories that the mesh hosts: begin one, mirror one, look at them, give one up; and where git finds the helper for nimbus://.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import type { HostedRepoView } from '../../../../protocols/http/hosted.ts'
import { safe } from '../../../kernel/safe-text.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { renderTable } from '../../table.ts'

const HELPER_DIR = fileURLToPath(new URL('../../../bin', import.meta.url))

export function addHostedRepoCommands(program: Command, action: Action): void {
  const repo = program.commands.find((command) => command.name() === 'repo') ?? program.command('repo').description('repositories')
  repo
    .command('host <name>')
    .description('host a repository on this worker: nimbus://mesh/NAME; one that others host already is mirrored')
    .option('--from <path|url>', 'begin with the branches and tags of that repository')
    .action(action((cli, [name = ''], { from }) => host(cli, name, from as string | undefined)))
  repo
    .command('hosted [name]')
    .description('repositories that the mesh hosts, their branches, and who keeps them')
    .action(
      action(async (cli, [name]) => {
        const client = await createClient(cli)
        if (name === undefined) {
          const { items } = await client.get<{ items: HostedRepoView[] }>('/api/hosted-repos')
          return cli.globals.json ? cli.printJson({ items }) : cli.print(renderRepos(cli, items))
        }
        const view = await client.get<HostedRepoView>(`/api/hosted-repos/${encodeURIComponent(name)}`)
        if (cli.globals.json) cli.printJson(view)
        else cli.print(renderRefs(cli, view))
      }),
    )
  repo
    .command('unhost <name>')
    .description('keep it on this worker no more')
    .option('--last', 'also where nobody else has all of it: then it is lost')
    .action(
      action(async (cli, [name = ''], { last }) => {
        await (await createClient(cli)).delete(`/api/hosted-repos/${encodeURIComponent(name)}${last === true ? '?last=true' : ''}`)
        if (!cli.globals.json) cli.print(`This worker keeps ${safe(name)} no more.`)
      }),
    )
  repo
    .command('helper')
    .description('the folder of git-remote-nimbus, for the PATH: export PATH="$PATH:$(nimbus repo helper)"')
    .action(action(async (cli) => (cli.globals.json ? cli.printJson({ dir: HELPER_DIR }) : cli.print(HELPER_DIR))))
}

async function host(cli: Cli, name: string, from: string | undefined): Promise<void> {
  // A folder is one of this machine: its path must mean the same to the node, which works elsewhere.
  const source = from === undefined || /^https?:\/\//.test(from) || !existsSync(resolve(from)) ? from : resolve(from)
  const client = await createClient(cli)
  const view = await client.post<HostedRepoView>('/api/hosted-repos', { name, ...(source === undefined ? {} : { from: source }) })
  if (cli.globals.json) return cli.printJson(view)
  cli.print(
    `${view.url} (${view.refs.length} branches and tags, kept by ${view.holders.map((holder) => safe(holder.workerName)).join(', ')})`,
  )
  cli.note(`With git: export PATH="$PATH:${HELPER_DIR}"; git clone ${view.url}`)
}

function renderRepos(cli: Cli, items: readonly HostedRepoView[]): string {
  const columns = [
    { title: 'REPOSITORY', gives: true },
    { title: 'BRANCH' },
    { title: 'COMMIT' },
    { title: 'REFS', right: true },
    { title: 'KEPT BY' },
  ]
  return renderTable(
    cli.io,
    columns,
    items.map((view) => [
      view.url,
      view.head ?? '-',
      view.refs.find(({ ref }) => ref === `refs/heads/${view.head}`)?.commit.slice(0, 12) ?? '-',
      String(view.refs.length),
      keptBy(view),
    ]),
  )
}

function renderRefs(cli: Cli, view: HostedRepoView): string {
  const columns = [{ title: 'REF', gives: true }, { title: 'COMMIT' }, { title: 'PUSHED AT' }, { title: 'BY WAY OF' }]
  const rows = view.refs.map(({ ref, commit, at, byName }) => [
    ref.replace(/^refs\/(heads|tags)\//, ''),
    commit.slice(0, 12),
    new Date(at).toISOString(),
    byName,
  ])
  return `${safe(view.url)}, kept by ${safe(keptBy(view))}\n\n${renderTable(cli.io, columns, rows)}`
}

function keptBy({ holders }: HostedRepoView): string {
  return (
    holders
      .map(({ workerName, state, current }) => workerName + (state !== 'alive' ? ` (${state})` : current ? '' : ' (behind)'))
      .join(', ') || '-'
  )
}
