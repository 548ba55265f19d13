// Knowledge of the mesh: what people and agents wrote down for others. Add, search, list, show.
import type { Command } from 'commander'
import type { AddedKnowledge, KnowledgeView } from '../../../../protocols/agents/knowledge-views.ts'
import type { Page } from '../../../../protocols/http/views.ts'
import { formatDuration } from '../../../kernel/durations.ts'
import { safe, safeLines } from '../../../kernel/safe-text.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { collect, wholeNumber } from '../../options.ts'
import { renderTable } from '../../table.ts'

export function addKnowCommands(program: Command, action: Action): void {
  const know = program.command('know').description('what people and agents of the mesh wrote down')
  know
    .command('add <title> [text...]')
    .description('keep a text for everybody; without one, or with -, it is read from stdin')
    .option('--tag <tag>', 'a word to find it by', collect)
    .action(
      action(async (cli, [title = '', ...words], { tag }) => {
        const text = words.length === 0 || words.join() === '-' ? await stdinOf(cli) : words.join(' ')
        const added = await (await createClient(cli)).post<AddedKnowledge>('/api/knowledge', { title, text, tags: tag ?? [] })
        if (cli.globals.json) cli.printJson(added)
        else cli.print(added.id)
        if (added.durability === 'local') cli.note('nimbus: kept by this node alone for now; it spreads once others can be reached.')
      }),
    )
  know
    .command('search <words...>')
    .description('entries that hold all the words, the best first')
    .option('--tag <tag>', 'only with this tag')
    .option('--limit <n>', 'how many', wholeNumber('--limit', 1, 500), 20)
    .action(action((cli, words, { tag, limit }) => list(cli, { q: words.join(' '), tag, limit })))
  know
    .command('ls')
    .description('entries, newest first')
    .option('--tag <tag>', 'only with this tag')
    .option('--limit <n>', 'how many', wholeNumber('--limit', 1, 500), 50)
    .action(action((cli, _words, { tag, limit }) => list(cli, { tag, limit })))
  know
    .command('show <id>')
    .description('one entry, whole')
    .action(
      action(async (cli, [id = '']) => {
        const entry = await (await createClient(cli)).get<KnowledgeView>(`/api/knowledge/${encodeURIComponent(id)}`)
        if (cli.globals.json) return cli.printJson(entry)
        cli.note(safe(`${entry.title}: written by ${writerOf(entry)} at ${new Date(entry.createdAt).toISOString()}, checked by nobody`))
        cli.print(safeLines(entry.text ?? ''))
      }),
    )
}

async function list(cli: Cli, filter: Record<string, unknown>): Promise<void> {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(filter))
    if (typeof value === 'string' || typeof value === 'number') query.set(key, String(value))
  const { items } = await (await createClient(cli)).get<Page<KnowledgeView>>(`/api/knowledge?${query.toString()}`)
  if (cli.globals.json) for (const item of items) cli.printJson(item)
  else if (items.length === 0) cli.print('Nothing found.')
  else {
    const columns = [{ title: 'ENTRY' }, { title: 'AGE', right: true }, { title: 'BY' }, { title: 'TAGS' }, { title: 'TITLE', gives: true }]
    const rows = items.map((item) => [
      item.id,
      formatDuration(Math.max(0, cli.now() - item.createdAt)),
      writerOf(item),
      item.tags.join(' '),
      item.excerpt === undefined ? item.title : `${item.title}: ${item.excerpt}`,
    ])
    cli.print(renderTable(cli.io, columns, rows))
  }
}

function writerOf({ by }: KnowledgeView): string {
  return by.task === undefined ? by.workerName : `${by.task} on ${by.workerName}`
}

async function stdinOf(cli: Cli): Promise<string> {
  let text = ''
  for await (const piece of cli.io.stdin) text += String(piece)
  return text
}
