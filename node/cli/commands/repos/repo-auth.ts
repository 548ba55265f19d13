// With which secret the repositories of which place are read.
import type { Command } from 'commander'
import type { RepoAuthView } from '../../../../protocols/http/repos.ts'
import { formatDuration } from '../../../kernel/durations.ts'
import { createClient } from '../../client.ts'
import type { Action } from '../../context.ts'
import { collect } from '../../options.ts'
import { renderTable } from '../../table.ts'

export function addRepoAuthCommands(repo: Command, action: Action): void {
  const auth = repo
    .command('auth')
    .description('which secret opens the repositories of which host or path; the longest one that fits counts')
  auth
    .command('set <place>')
    .description('as git.example.org or git.example.org/team; the secret is a token, a password or a private SSH key')
    .option('--secret <name>', 'a secret of the mesh: nimbus secret set NAME < FILE')
    .option('--user <user>', 'whose password it is; a token alone needs none')
    .option('--agent', 'the SSH agent that each worker itself was started with')
    .option('--host-key <key>', 'only this key of the SSH host, as in known_hosts; else the first one seen is kept', collect)
    .action(
      action(async (cli, [place = ''], { secret, user, agent, hostKey }) => {
        const body = { place: asPlace(place), secret, user, agent, hostKeys: hostKey }
        const set = await (await createClient(cli)).post<RepoAuthView>('/api/repos/auth', body)
        if (cli.globals.json) cli.printJson(set)
        else cli.print(`Repositories of ${set.place} are read with ${what(set)}.`)
      }),
    )
  auth
    .command('ls')
    .description('places and what opens them')
    .action(
      action(async (cli) => {
        const { items } = await (await createClient(cli)).get<{ items: RepoAuthView[] }>('/api/repos/auth')
        if (cli.globals.json) return items.forEach((item) => cli.printJson(item))
        if (items.length === 0) return cli.print('Nothing is set. Set it: nimbus repo auth set HOST --secret NAME')
        const columns = [
          { title: 'PLACE' },
          { title: 'WITH' },
          { title: 'USER' },
          { title: 'AGE', right: true },
          { title: 'BY', gives: true },
        ]
        const rows = items.map((item) => [item.place, what(item), item.user ?? '-', formatDuration(cli.now() - item.updatedAt), item.by])
        cli.print(renderTable(cli.io, columns, rows))
      }),
    )
  auth
    .command('rm <place>')
    .description('take the entry away; the secret itself stays')
    .action(
      action(async (cli, [place = '']) => {
        await (await createClient(cli)).delete(`/api/repos/auth?place=${encodeURIComponent(asPlace(place))}`)
        if (!cli.globals.json) cli.print(`Nothing is set for ${asPlace(place)} any more.`)
      }),
    )
}

/** People paste addresses. */
function asPlace(text: string): string {
  const [, host = '', path = ''] = /^(?:(?:https?|ssh):\/\/)?(?:[A-Za-z0-9_.-]+@)?([^/@]*)(\/.*)?$/.exec(text) ?? []
  return host === '' ? text : `${host.toLowerCase()}${path.replace(/\/+$/, '')}`
}

function what({ secret, agent, hostKeys }: RepoAuthView): string {
  const pinned = hostKeys === undefined ? '' : ` (${hostKeys.length} host key${hostKeys.length === 1 ? '' : 's'})`
  return `${secret === undefined ? (agent === true ? "the worker's SSH agent" : 'nothing') : `the secret ${secret}`}${pinned}`
}
