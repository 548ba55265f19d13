// Locks and counters: names on which the whole mesh agrees.
import type { Command } from 'commander'
import type { CounterView, LockEventView, LockView } from '../../../../protocols/http/names.ts'
import type { Cancel } from '../../../kernel/clock.ts'
import { createHoldingClock } from '../../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../../kernel/errors.ts'
import { safe } from '../../../kernel/safe-text.ts'
import type { Attached } from '../../../runner/commands/attached.ts'
import { runAttached } from '../../../runner/commands/attached.ts'
import type { Client } from '../../client.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { describeError, EXIT, exitCodeOf } from '../../exit-codes.ts'
import { duration } from '../../options.ts'
import { renderTable } from '../../table.ts'
import { onlyAfterDashes } from '../task-run.ts'

export function addNameCommands(program: Command, action: Action): void {
  const lock = program.command('lock').description('one holder in the whole mesh')
  lock
    .command('run')
    .argument('<name>', 'the name of the lock')
    .argument('[command...]', 'the command and its words, after --')
    .usage('NAME [--wait D] [--ttl D] -- COMMAND [WORDS]')
    .description('run a command here while holding a lock; NIMBUS_FENCE grows with each holder')
    .option('--wait <duration>', 'give up when it is not free by then (default: wait)', waitTime)
    .option('--ttl <duration>', 'end the command after this long; none: never', (text) =>
      text === 'none' ? undefined : duration('--ttl')(text),
    )
    .action(action((cli, words, options) => runUnderLock(cli, words, options)))
  lock
    .command('ls')
    .description('locks that are held, and by which worker')
    .action(
      action(async (cli) => {
        const { items } = await (await createClient(cli)).get<{ items: LockView[] }>('/api/locks')
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else cli.print(items.length === 0 ? 'No lock is held.' : renderLocks(cli, items))
      }),
    )
  const counter = program.command('counter').description('numbers that count once in the whole mesh')
  counter
    .command('add <name> [n]')
    .description('add 1, or n, which may be negative after --')
    .action(
      action(async (cli, [name = '', n = '1']) => {
        const made = await (await createClient(cli)).post<CounterView>(`${counterPath(name)}/add`, { by: wholeNumberOf(n) })
        if (cli.globals.json) cli.printJson(made)
        else cli.print(String(made.value))
      }),
    )
  counter
    .command('show <name>')
    .description('the value of a counter')
    .action(
      action(async (cli, [name = '']) => {
        const found = await (await createClient(cli)).get<CounterView>(counterPath(name))
        if (cli.globals.json) cli.printJson(found)
        else cli.print(String(found.value))
      }),
    )
  counter
    .command('ls')
    .description('all counters')
    .action(
      action(async (cli) => {
        const { items } = await (await createClient(cli)).get<{ items: CounterView[] }>('/api/counters')
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else cli.print(items.length === 0 ? 'No counters.' : renderCounters(cli, items))
      }),
    )
}

/** The command's own exit code; 125 where the lock was not had or was lost. */
async function runUnderLock(cli: Cli, words: readonly string[], options: Record<string, unknown>): Promise<number> {
  const [name = '', ...before] = words
  const argv = onlyAfterDashes(cli, before)
  if (argv === undefined || argv.length === 0)
    throw new NimbusError('usage', 'nimbus lock run needs a command after --.', {
      kind: 'usage',
      cure: 'Write: nimbus lock run NAME -- COMMAND WORDS',
    })
  try {
    return await holdAndRun(cli, await createClient(cli), name, argv, options)
  } catch (error) {
    if (exitCodeOf(error) === EXIT.usage) throw error
    cli.io.stderr.write(`${describeError(error, cli.io.env)}\n`)
    return EXIT.nimbus
  }
}

async function holdAndRun(
  cli: Cli,
  client: Client,
  name: string,
  argv: readonly string[],
  options: Record<string, unknown>,
): Promise<number> {
  const clock = createHoldingClock()
  const gone = new AbortController()
  let run: Attached | undefined
  let lost: string | undefined
  let overdue: Cancel = () => {}
  const lose = (reason: string): void => {
    lost ??= reason
    run?.kill()
    gone.abort()
  }
  /** What the node said is counted here too: it may hang, or its answer may not come. */
  const certainFor = (ms: number): void => {
    overdue()
    overdue = clock.after(ms, () => lose('nobody has said in time that it is still held'))
  }
  const begin = (fence: number): Attached => {
    const env = { ...cli.io.env, NIMBUS_FENCE: String(fence), NIMBUS_LOCK: name }
    const started = runAttached(argv, {
      env,
      onError: (reason) => cli.note(`nimbus: ${safe(argv[0] ?? '')} cannot be started: ${safe(reason)}`),
    })
    void started.ended.then(() => gone.abort())
    return started
  }
  try {
    for await (const event of client.postLines<LockEventView>(`/api/locks/${encodeURIComponent(name)}`, asked(options), gone.signal)) {
      if (event.event === 'waiting') cli.note(`nimbus: lock ${safe(name)} is held at ${safe(event.holderName)}; waiting.`)
      if (event.event === 'refused') throw new NimbusError(event.code, event.message, event.cure === undefined ? {} : { cure: event.cure })
      if (event.event === 'lost') lose(event.reason)
      if ('certainMs' in event) certainFor(event.certainMs)
      if (event.event === 'held' && lost === undefined) run = begin(event.fence)
    }
    if (!gone.signal.aborted) lose('the node ended the connection')
  } catch (error) {
    if (run === undefined) throw error
    if (!gone.signal.aborted) lose(`the node cannot be reached: ${messageOf(error)}`)
  } finally {
    overdue()
  }
  const code = (await run?.ended) ?? EXIT.nimbus
  if (lost === undefined) return code
  cli.io.stderr.write(`nimbus: lock ${safe(name)} was lost: ${safe(lost)}; the command was ended.\n`)
  return EXIT.nimbus
}

function asked({ wait, ttl }: Record<string, unknown>): object {
  return { ...(wait === undefined ? {} : { wait }), ...(ttl === undefined ? {} : { ttl }) }
}

/** Nothing at all is a wait too: take it now or not. */
function waitTime(text: string): string | number {
  return /^0(ms|s)?$/.test(text) ? 0 : duration('--wait')(text)
}

function wholeNumberOf(text: string): number {
  const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw new NimbusError('usage', `${JSON.stringify(text.slice(0, 80))} is not a whole number.`, {
    kind: 'usage',
    cure: 'Write: nimbus counter add NAME 5, or nimbus counter add NAME -- -5.',
  })
}

function counterPath(name: string): string {
  return `/api/counters/${encodeURIComponent(name)}`
}

function renderLocks(cli: Cli, items: readonly LockView[]): string {
  const columns = [{ title: 'LOCK', gives: true }, { title: 'HELD AT' }, { title: 'SINCE' }, { title: 'FENCE', right: true }]
  return renderTable(
    cli.io,
    columns,
    items.map((lock) => [lock.name, lock.holderName, new Date(lock.since).toISOString(), String(lock.fence)]),
  )
}

function renderCounters(cli: Cli, items: readonly CounterView[]): string {
  const columns = [
    { title: 'COUNTER', gives: true },
    { title: 'VALUE', right: true },
  ]
  return renderTable(
    cli.io,
    columns,
    items.map(({ name, value }) => [name, String(value)]),
  )
}
