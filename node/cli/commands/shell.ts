// Around the node: open its dashboard, check the machine, complete words, say the version.
import type { Command } from 'commander'
import { isTaskId } from '../../../protocols/ids.ts'
import { PROTOCOL_VERSION } from '../../../protocols/skew.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { startDetached } from '../../runner/commands/detach.ts'
import { findTool } from '../../runner/commands/find-tools.ts'
import { createClient } from '../client.ts'
import { completionScript } from '../completion.ts'
import type { Action, Cli } from '../context.ts'
import { examine } from '../doctor.ts'
import { paint, renderTable } from '../table.ts'

export function addShellCommands(program: Command, action: Action, about: { version: string; commit?: string }): void {
  program
    .command('open [id]')
    .description('sign a browser in to the dashboard; ID is a task or a worker')
    .option('--print', 'only print the link')
    .action(
      action(async (cli, [id], { print }) => {
        const { url } = await (await createClient(cli)).post<{ url: string }>('/api/session/link', { next: pageOf(id) })
        if (cli.globals.json) return cli.printJson({ url })
        cli.print(url)
        if (print !== true && cli.io.stdout.isTTY && openBrowser(cli, url))
          cli.note('Opened in your browser. The link works once, within a minute.')
      }),
    )
  program
    .command('doctor')
    .description('check this machine and its node; says what is missing and how to get it')
    .action(
      action(async (cli) => {
        const findings = await examine(cli)
        if (cli.globals.json) cli.printJson({ checks: findings })
        else
          cli.print(
            renderTable(
              cli.io,
              [{ title: 'CHECK' }, { title: '' }, { title: 'FOUND', gives: true }],
              findings.map((found) => [
                found.name,
                { text: found.state, tone: found.state === 'ok' ? 'good' : found.state === 'bad' ? 'bad' : 'dim' },
                found.found,
              ]),
            ),
          )
        for (const found of findings)
          if (found.cure !== undefined && !cli.globals.json)
            cli.print(`${paint(cli.io, found.name, found.state === 'bad' ? 'bad' : 'dim')}: ${found.cure}`)
        return findings.some((found) => found.state === 'bad') ? 1 : 0
      }),
    )
  program
    .command('completion <shell>')
    .description('a script that completes words in bash, zsh or fish')
    .action(
      action(async (cli, [shell = '']) => {
        if (shell !== 'bash' && shell !== 'zsh' && shell !== 'fish')
          throw new NimbusError('usage', `There is no completion for ${JSON.stringify(shell)}.`, {
            kind: 'usage',
            cure: 'Choose bash, zsh or fish, as in: source <(nimbus completion bash)',
          })
        cli.print(completionScript(shell, program))
      }),
    )
  program
    .command('version')
    .description('the version of Nimbus, its commit where it runs from a repository, and the version of Node')
    .action(
      action(async (cli) => {
        const { version, commit } = about
        const { node } = process.versions
        if (cli.globals.json) cli.printJson({ version, ...(commit === undefined ? {} : { commit }), protocol: PROTOCOL_VERSION, node })
        else cli.print(`nimbus ${version}${commit === undefined ? '' : ` at ${commit.slice(0, 12)}`} (node ${node})`)
      }),
    )
}

function pageOf(id: string | undefined): string {
  if (id === undefined) return '/'
  return isTaskId(id) ? `/tasks/${id}` : `/workers/${encodeURIComponent(id)}`
}

function openBrowser(cli: Cli, url: string): boolean {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const found = findTool(opener, cli.io.env['PATH'] ?? '')
  if (found === undefined) return false
  startDetached(found, [url], { env: cli.io.env }).release()
  return true
}
