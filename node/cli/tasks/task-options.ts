// The options that say what a task is, shared by `task run` and `task publish`, and the request they make.
import type { Command } from 'commander'
import { NimbusError } from '../../kernel/errors.ts'
import { collect, duration, parsePairs, wholeNumber } from '../options.ts'

export function addTaskOptions(command: Command): Command {
  return command
    .option('--name <name>', 'a name for people')
    .option('--repo <url>', 'repository to run in')
    .option('--ref <ref>', 'branch, tag or commit of it')
    .option('--worker <worker>', 'only this worker, by name or peer ID')
    .option('--skill <skill>', 'only workers that can do this', collect)
    .option('--role <role>', 'only workers with this role', collect)
    .option('--pool <pool>', 'only workers of this pool')
    .option('--label <k=v>', 'only workers with this label', collect)
    .option('--priority <n>', '0 to 9, higher first (default 5)', wholeNumber('--priority', 0, 9))
    .option('--timeout <duration>', 'end it after this long (exit code 124)', duration('--timeout'))
    .option('--attempts <n>', 'tries in all (default 1); the loss of a worker uses none up', wholeNumber('--attempts', 1, 100))
    .option('--delay <duration>', 'not before this long from now', duration('--delay'))
    .option('--env <k=v>', 'a variable of its environment', collect)
}

/** @param argv the words after `--` */
export function requestOf(argv: readonly string[] | undefined, options: Record<string, unknown>): Record<string, unknown> {
  if (argv === undefined || argv.length === 0) {
    throw new NimbusError('usage', 'There is no command to run.', {
      kind: 'usage',
      cure: 'Put it after --, as in: nimbus task run --timeout 5m -- npm test',
    })
  }
  const { skill, role, label, env, name, repo, ref, worker, pool, priority, timeout, attempts, delay } = options
  const request = {
    argv,
    name,
    repo,
    ref,
    worker,
    pool,
    priority,
    timeout,
    attempts,
    delay,
    skills: skill,
    roles: role,
    labels: parsePairs(label as string[] | undefined, '--label'),
    env: parsePairs(env as string[] | undefined, '--env'),
  }
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined))
}
