// Streams for people and programs: what happens in the mesh, what this node notes in its log.
import type { Command } from 'commander'
import type { EventView } from '../../../protocols/http/views.ts'
import { createHoldingClock, sleep } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { safe } from '../../kernel/safe-text.ts'
import { createClient } from '../client.ts'
import type { Action, Cli } from '../context.ts'
import { wholeNumber } from '../options.ts'

const RETRY_MS = 1000
const RETRIES_MAX = 30
const LEVELS: Record<number, string> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }

export function addWatchCommands(program: Command, action: Action): void {
  program
    .command('events')
    .description('what happens in the mesh, as it happens')
    .option('--types <types>', 'only these, as task.updated,worker.*')
    .option('--entity <entity>', 'only of this one, as task/ID')
    .option('--since <cursor>', 'from this event on, seen on any node')
    .action(action((cli, _words, { types, entity, since }) => watchEvents(cli, { types, entity }, since as string | undefined)))
  program
    .command('logs')
    .description('the log of the node itself')
    .option('-f, --follow', 'and what is added')
    .option('--bytes <n>', 'how much of its end', wholeNumber('--bytes', 0, 4 * 1024 * 1024), 65_536)
    .action(
      action(async (cli, _words, { follow, bytes }) => {
        const client = await createClient(cli)
        for await (const line of client.jsonLines<Record<string, unknown>>(
          `/api/logs?bytes=${String(bytes)}&follow=${String(follow === true)}`,
          new AbortController().signal,
        )) {
          if (cli.globals.json) cli.printJson(line)
          else cli.print(renderLogLine(line))
        }
      }),
    )
}

/** Goes on where it was after the node was away for a moment; a gap is said, never hidden. */
async function watchEvents(cli: Cli, filter: Record<string, unknown>, since: string | undefined): Promise<number> {
  const client = await createClient(cli)
  const clock = createHoldingClock()
  let cursor = since
  for (let failures = 0; ; failures++) {
    const query = new URLSearchParams(
      Object.entries({ ...filter, since: cursor }).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
    )
    try {
      for await (const event of client.events<EventView>(`/api/events?${query.toString()}`, new AbortController().signal)) {
        failures = 0
        if (event === undefined) continue
        cursor = event.cursor ?? cursor
        if (cli.globals.json) cli.printJson(event)
        else
          cli.print(
            event.type === 'resync'
              ? '(some events were missed here)'
              : `${new Date(event.time).toISOString()} ${safe(event.type)} ${safe(event.id)} ${safe(JSON.stringify(event.data)).slice(0, 300)}`,
          )
      }
    } catch (error) {
      // Anything but a NimbusError is a connection that was cut while reading.
      if (error instanceof NimbusError && (error.kind !== 'unreachable' || cursor === since || failures >= RETRIES_MAX)) throw error
    }
    await sleep(clock, RETRY_MS)
  }
}

function renderLogLine(line: Record<string, unknown>): string {
  const { level, time, msg, ...fields } = line
  const when = typeof time === 'number' ? new Date(time).toISOString() : ''
  const more = Object.entries(fields).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return safe(`${when} ${LEVELS[Number(level)] ?? ''} ${typeof msg === 'string' ? msg : ''} ${more.join(' ')}`).trim()
}
