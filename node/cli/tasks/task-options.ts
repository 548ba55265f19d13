// The options that say what a task is, shared by `task run` and `task publish`, and the request they make.
import type { Command } from 'commander'
import { CHECKOUT_DEPTH_MAX } from '../../../protocols/limits.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { amount, collect, collectAs, countOf, duration, oneOf, parsePairs, rateOf, taskIdText, wholeNumber } from '../options.ts'

export function addTaskOptions(command: Command): Command {
  addWhat(command)
  addWhere(command)
  return addWhen(command)
}

/** What runs, with what it is given and what it leaves. */
function addWhat(command: Command): Command {
  return command
    .option('--name <name>', 'a name for people')
    .option(
      '--kind <kind>',
      'shell; build: find out how it is built, and do it; noop: nothing runs, a joint of a graph',
      oneOf('--kind', ['shell', 'build', 'noop']),
    )
    .option('--repo <url>', 'repository to run in')
    .option('--ref <ref>', 'branch, tag or commit of it')
    .option('--repo-secret <name>', 'read the repository with this secret (default: as nimbus repo auth ls says)')
    .option('--repo-user <user>', 'as this user, where a token alone does not do')
    .option('--depth <n>', 'with so many commits of its history (default 1)', wholeNumber('--depth', 1, CHECKOUT_DEPTH_MAX))
    .option('--sparse <path>', 'of its folders only this one; the files in its root come along', collect)
    .option('--submodules', 'with the repositories inside it')
    .option('--dir <path>', 'ship this folder: it is where the command runs')
    .option('--stdin', 'ship what comes on stdin: the command reads it')
    .option('--env <k=v>', 'a variable of its environment', collect)
    .option('--secret <name>', 'a secret of the mesh, as the variable NAME of its environment', collect)
    .option('--artifact <glob>', 'keep the files that match, below its folder', collect)
    .option('--may <verb>', 'what its own token may do, as task.publish or mesh.read', collect)
    .option('--no-cache', 'of a build: fetch everything anew')
    .option('--last-good', 'of a build: where it fails, build the last commit again that was good')
    .option(
      '--repair <usd>',
      'of a build: where its code is at fault, an agent may spend this to mend it, on a branch',
      amount('--repair', 1_000),
    )
    .option('--budget <usd>', 'end it when it says that it cost more', amount('--budget', 1_000_000))
}

/** Which workers may run it, and beside what. */
function addWhere(command: Command): Command {
  return command
    .option('--worker <worker>', 'only this worker, by name or peer ID')
    .option('--skill <skill>', 'only workers that can do this', collect)
    .option('--role <role>', 'only workers with this role', collect)
    .option('--pool <pool>', 'only workers of this pool')
    .option('--label <k=v>', 'only workers with this label', collect)
    .option('--prefer <k=v>', 'rather workers with this label', collect)
    .option('--cpus <n>', 'reserve this many CPUs', amount('--cpus', 4096))
    .option('--memory <mb>', 'reserve this much memory, in MB', wholeNumber('--memory', 0, Number.MAX_SAFE_INTEGER))
    .option('--disk <mb>', 'reserve this much disk, in MB', wholeNumber('--disk', 0, Number.MAX_SAFE_INTEGER))
    .option('--gpus <n>', 'reserve this many GPUs', wholeNumber('--gpus', 0, 1024))
    .option('--free-memory <mb>', 'only where this much memory is free, in MB', wholeNumber('--free-memory', 0, Number.MAX_SAFE_INTEGER))
    .option('--group <group>', 'the keeper group that decides about it')
    .option('--claim <mode>', 'exclusive, or available: a minority may run it as well', oneOf('--claim', ['exclusive', 'available']))
    .option(
      '--reconcile <rule>',
      'which of several results counts: first, newest, original or longest',
      oneOf('--reconcile', ['first', 'newest', 'original', 'longest']),
    )
    .option('--concurrency <key=n>', 'at most N tasks with this key at a time', collectAs(countOf('--concurrency')))
    .option('--rate <key=n/d>', 'at most N starts with this key in each time D', collectAs(rateOf('--rate')))
}

/** When it runs, how often, and for how long. */
function addWhen(command: Command): Command {
  return command
    .option('--priority <n>', '0 to 9, higher first (default 5)', wholeNumber('--priority', 0, 9))
    .option('--delay <duration>', 'not before this long from now', duration('--delay'))
    .option('--after <id>', 'only after this task has succeeded', collectAs(taskIdText('--after')))
    .option('--after-any', 'only after those tasks have ended, however they ended')
    .option('--dedupe <key>', 'one task for all that publish with this key')
    .option('--attempts <n>', 'tries in all (default 1); the loss of a worker uses none up', wholeNumber('--attempts', 1, 100))
    .option('--backoff <duration>', 'first pause between attempts, doubled each time', duration('--backoff'))
    .option('--backoff-max <duration>', 'longest pause between attempts', duration('--backoff-max'))
    .option('--timeout <duration>', 'end it after this long (exit code 124)', duration('--timeout'))
    .option('--queue-timeout <duration>', 'end it where nobody claims it for this long', duration('--queue-timeout'))
    .option('--start-timeout <duration>', 'end it where the command has not started this long after the claim', duration('--start-timeout'))
    .option('--heartbeat-timeout <duration>', 'end it where it is silent for this long', duration('--heartbeat-timeout'))
    .option('--lost-after <duration>', 'run it elsewhere where its worker is unheard for this long', duration('--lost-after'))
}

/** @param argv the words after `--` */
export function requestOf(argv: readonly string[] | undefined, options: Record<string, unknown>): Record<string, unknown> {
  assertCommand(argv, options['kind'])
  const {
    skill,
    role,
    label,
    env,
    secret,
    artifact,
    budget,
    dir: _dir,
    stdin: _stdin,
    prefer,
    cpus,
    memory,
    disk,
    gpus,
    freeMemory,
    repoSecret,
    repoUser,
    depth,
    sparse,
    submodules,
    cache,
    lastGood,
    repair,
    ...same
  } = options
  const request = {
    ...same,
    ...(argv === undefined || argv.length === 0 ? {} : { argv }),
    skills: skill,
    roles: role,
    prefer: parsePairs(prefer as string[] | undefined, '--prefer'),
    resources: given({ cpus, memoryMb: memory, diskMb: disk, gpus, freeMemoryMb: freeMemory }),
    labels: parsePairs(label as string[] | undefined, '--label'),
    env: parsePairs(env as string[] | undefined, '--env'),
    secrets: secret,
    repoAuth: given({ secret: repoSecret, user: repoUser }),
    checkout: given({ depth, sparse, submodules }),
    artifacts: artifact,
    budgetUsd: budget,
    build: given({ cache: cache === false ? false : undefined, lastGood, repair: given({ budgetUsd: repair }) }),
  }
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined))
}

function given(values: Record<string, unknown>): Record<string, unknown> | undefined {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

function assertCommand(argv: readonly string[] | undefined, kind: unknown): void {
  const given = argv !== undefined && argv.length > 0
  const bare = kind === 'noop' || kind === 'build'
  if (bare && given) {
    throw new NimbusError('usage', `--kind ${kind} takes no command, and one is given: ${JSON.stringify(argv.join(' ').slice(0, 80))}.`, {
      kind: 'usage',
      cure: `Leave out --kind ${kind}, or what comes after --.`,
    })
  }
  if (bare || given) return
  throw new NimbusError('usage', 'There is no command to run.', {
    kind: 'usage',
    cure: 'Put it after --, as in: nimbus task run --timeout 5m -- npm test',
  })
}
