// `session start`: what an agent shall do, where, and what it may.
import type { Command } from 'commander'
import type { SessionView } from '../../../../protocols/http/sessions.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { amount, collect, duration, oneOf, parsePairs, wholeNumber } from '../../options.ts'
import { printMessages } from './session-words.ts'

export function addStartCommand(session: Command, action: Action): void {
  session
    .command('start <prompt...>')
    .usage('[OPTIONS] PROMPT… [-- COMMAND ARGS…]')
    .description('start a coding agent on a worker, in a work tree of its own; what comes after -- starts the agent')
    .option('--repo <url>', 'the repository it works in')
    .option('--ref <ref>', 'a branch, tag or commit of it')
    .option('--name <name>', 'what people call it')
    .option('--worker <worker>', 'on this worker')
    .option('--role <role>', 'on a worker of this role', collect)
    .option('--skill <skill>', 'on a worker of this skill', collect)
    .option('--pool <pool>', 'on a worker of this pool')
    .option('--priority <n>', '9 starts first, 0 last', wholeNumber('--priority', 0, 9))
    .option('--driver <driver>', 'which kind of agent: claude (default), acp, or command')
    .option('--model <model>', 'which model')
    .option('--budget <usd>', 'it is ended after the turn that exceeds it', amount('--budget', 1_000_000))
    .option('--allow <tool>', 'needs no yes; a name may end with *', collect)
    .option('--ask <tool>', 'needs a yes of a person', collect)
    .option('--deny <tool>', 'is refused', collect)
    .option(
      '--permission <rule>',
      'for tools that no list names: allow (default), ask or deny',
      oneOf('--permission', ['allow', 'ask', 'deny']),
    )
    .option('--network <host>', 'may be reached beside the model', collect)
    .option('--sandbox <tier>', 'process (default) or none', oneOf('--sandbox', ['process', 'none']))
    .option(
      '--on-loss <what>',
      'when its worker is lost: move (default: another one goes on with what was saved) or wait (default with --worker)',
      oneOf('--on-loss', ['move', 'wait']),
    )
    .option('--idle <duration>', 'how long it waits for more when a turn is over', duration('--idle'))
    .option('--silent-timeout <duration>', 'silence after which a turn counts as hung (default 10m)', duration('--silent-timeout'))
    .option('--timeout <duration>', 'the longest it may run', duration('--timeout'))
    .option('--memory <mb>', 'memory that must be free there (default 1024)', wholeNumber('--memory', 0, 100_000_000))
    .option('--env <k=v>', 'a variable', collect)
    .option('--secret <name>', 'a secret, as a variable of its host', collect)
    .option('-f, --follow', 'show what it says and does until it ends')
    .action(action((cli, words, options) => start(cli, words.slice(0, words.length - (cli.rest?.length ?? 0)).join(' '), options)))
}

async function start(cli: Cli, prompt: string, options: Record<string, unknown>): Promise<number> {
  const { role, skill, budget, silentTimeout, memory, env, secret, follow, ...same } = options
  const named = {
    ...same,
    command: cli.rest,
    roles: role,
    skills: skill,
    budgetUsd: budget,
    silentTimeout,
    freeMemoryMb: memory,
    env: parsePairs(env as string[] | undefined, '--env'),
    secrets: secret,
  }
  const body = { prompt, ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) }
  if (prompt.trim() === '')
    throw new NimbusError('usage', 'The prompt is empty.', { kind: 'usage', cure: 'nimbus session start "what to do"' })
  const client = await createClient(cli)
  const view = await client.post<SessionView>('/api/sessions', body)
  if (cli.globals.json) cli.printJson(view)
  else cli.print(view.id)
  if (follow !== true) return 0
  await printMessages(cli, view.id, true)
  const end = await client.get<SessionView>(`/api/sessions/${view.id}`)
  cli.note(`session ${end.id} is ${end.state}${end.reason === undefined ? '' : `: ${end.reason.message}`}`)
  return end.state === 'done' ? 0 : 1
}
