// Messages between workers and tasks. Inside a task they come and go under the task's own name. What is printed is marked
// as read only afterwards: who dies between the two meets it again.
import type { Command } from 'commander'
import type { MessageRequest, MessageView, SentMessage } from '../../../protocols/http/messages.ts'
import type { Page } from '../../../protocols/http/views.ts'
import { isTaskId } from '../../../protocols/ids.ts'
import { READ_MAX } from '../../../protocols/limits.ts'
import { createHoldingClock, sleep } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { safe, safeLines } from '../../kernel/safe-text.ts'
import type { Client } from '../client.ts'
import { createClient } from '../client.ts'
import type { Action, Cli } from '../context.ts'
import { wholeNumber } from '../options.ts'
import { renderTable } from '../table.ts'

const RETRY_MS = 1_000
const RETRIES_MAX = 30

export function addMessageCommands(program: Command, action: Action): void {
  const message = program.command('msg').description('messages between workers and tasks')
  message
    .command('send [text...]')
    .usage('(--to WORKER|TASK|parent | --topic TOPIC) [TEXT…|-]')
    .description('send a message; - reads it from stdin')
    .option('--to <who>', 'a worker by name or peer ID, a task by ID; in a task: parent')
    .option('--topic <topic>', 'all who read this topic')
    .option('--body-json', 'the text is JSON')
    .action(
      action(async (cli, words, { to, topic, bodyJson }) => {
        const client = await createClient(cli)
        const body = bodyJson === true ? parsed(await textOf(cli, words)) : await textOf(cli, words)
        const sent = await client.post<SentMessage>('/api/messages', { to: addressOf(to, topic), body })
        if (cli.globals.json) cli.printJson(sent)
        else cli.print(sent.id)
        if (sent.durability === 'local') cli.note('nimbus: kept by this node alone for now; it is delivered once others can be reached.')
      }),
    )
  message
    .command('ls')
    .description('unread messages of this worker (or task), or those of a topic')
    .option('--topic <topic>', 'of this topic')
    .option('--unread', 'only what was not marked as read')
    .option('--search <text>', 'only those that mention it')
    .option('--limit <n>', 'how many', wholeNumber('--limit', 1, 100_000), 100)
    .option('--ack', 'mark what is printed as read')
    .action(
      action(async (cli, _words, { topic, unread, search, limit, ack }) => {
        const client = await createClient(cli)
        const items = await listMessages(client, { topic, unread: unread === true ? 'true' : undefined, q: search }, limit as number)
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else cli.print(items.length === 0 ? 'No messages.' : renderMessages(cli, items))
        if (ack === true) await markRead(client, items)
      }),
    )
  message
    .command('read <id...>')
    .description('print messages and mark them as read')
    .action(
      action(async (cli, ids) => {
        const client = await createClient(cli)
        const items: MessageView[] = []
        for (const id of ids) items.push(await client.get<MessageView>(`/api/messages/${encodeURIComponent(id)}`))
        for (const item of items) printMessage(cli, item)
        await markRead(client, items)
      }),
    )
  message
    .command('tail')
    .description('unread messages, and each new one as it comes')
    .option('--topic <topic>', 'of this topic')
    .option('--ack', 'mark each as read once it is printed')
    .action(action((cli, _words, { topic, ack }) => tail(cli, topic as string | undefined, ack === true)))
}

async function tail(cli: Cli, topic: string | undefined, ack: boolean): Promise<never> {
  const client = await createClient(cli)
  const clock = createHoldingClock()
  let printed: ReadonlySet<string> = new Set()
  const printNew = async (): Promise<void> => {
    const items = await listMessages(client, { topic, unread: 'true' }, Infinity)
    const fresh = items.filter(({ id }) => !printed.has(id))
    for (const item of fresh) printMessage(cli, item)
    if (ack) await markRead(client, fresh)
    // Only what may come again has to be remembered.
    printed = new Set(items.map(({ id }) => id))
  }
  let wasOpen = false
  for (let failures = 0; ; failures++) {
    try {
      // The stream says itself when it is open: what came before is in the list, what comes later is an event.
      for await (const _event of client.events('/api/events?types=message.received', new AbortController().signal)) {
        await printNew()
        wasOpen = true
        failures = 0
      }
    } catch (error) {
      // Anything but a NimbusError is a connection that was cut while reading.
      if (error instanceof NimbusError && (error.kind !== 'unreachable' || !wasOpen || failures >= RETRIES_MAX)) throw error
    }
    await sleep(clock, RETRY_MS)
  }
}

async function listMessages(client: Client, filter: Record<string, unknown>, limit: number): Promise<MessageView[]> {
  const items: MessageView[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined && items.length < limit; ) {
    const query = new URLSearchParams({ limit: String(Math.min(500, limit - items.length)) })
    for (const [key, value] of Object.entries({ ...filter, cursor })) if (typeof value === 'string' && value !== '') query.set(key, value)
    const page: Page<MessageView> = await client.get<Page<MessageView>>(`/api/messages?${query.toString()}`)
    items.push(...page.items)
    cursor = page.next
  }
  return items
}

async function markRead(client: Client, items: readonly MessageView[]): Promise<void> {
  const ids = items.filter(({ read }) => !read).map(({ id }) => id)
  for (let at = 0; at < ids.length; at += READ_MAX) await client.post('/api/messages/read', { ids: ids.slice(at, at + READ_MAX) })
}

function addressOf(to: unknown, topic: unknown): MessageRequest['to'] {
  if (typeof topic === 'string' && to === undefined) return { topic }
  if (typeof to === 'string' && topic === undefined) return to === 'parent' || isTaskId(to) ? { task: to } : { worker: to }
  throw new NimbusError('usage', to === undefined ? 'The message has no address.' : 'The message has two addresses.', {
    kind: 'usage',
    cure: 'Give one of --to WORKER, --to TASK and --topic TOPIC.',
  })
}

async function textOf(cli: Cli, words: readonly string[]): Promise<string> {
  if (words.length !== 1 || words[0] !== '-') {
    if (words.length > 0) return words.join(' ')
    throw new NimbusError('usage', 'The message is empty.', { kind: 'usage', cure: 'Write its text, or - to read it from stdin.' })
  }
  let text = ''
  for await (const piece of cli.io.stdin) text += String(piece)
  return text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new NimbusError('usage', `The message is not JSON: ${(error as Error).message}.`, {
      kind: 'usage',
      cure: 'Leave --body-json out to send it as text.',
    })
  }
}

function renderMessages(cli: Cli, items: readonly MessageView[]): string {
  const columns = [{ title: 'MESSAGE' }, { title: 'FROM' }, { title: 'SENT' }, { title: '' }, { title: 'TEXT', gives: true }]
  const rows = items.map((item) => [
    item.id,
    senderOf(item),
    new Date(item.createdAt).toISOString(),
    item.read ? 'read' : 'new',
    bodyText(item),
  ])
  return renderTable(cli.io, columns, rows)
}

function printMessage(cli: Cli, item: MessageView): void {
  if (cli.globals.json) return cli.printJson(item)
  cli.note(safe(`from ${senderOf(item)} at ${new Date(item.createdAt).toISOString()}, ${item.id}`))
  cli.print(safeLines(bodyText(item)))
}

function senderOf({ from }: MessageView): string {
  return from.task === undefined ? from.workerName : `${from.task} on ${from.workerName}`
}

function bodyText({ body }: MessageView): string {
  return typeof body === 'string' ? body : JSON.stringify(body)
}
