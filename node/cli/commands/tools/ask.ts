// Questions that tasks and agents ask people: list them, look at one, answer. Any node will do; the first answer counts.
import type { Command } from 'commander'
import type { QuestionView } from '../../../../protocols/agents/question-views.ts'
import type { Page } from '../../../../protocols/http/views.ts'
import { formatDuration } from '../../../kernel/durations.ts'
import { safe, safeLines } from '../../../kernel/safe-text.ts'
import type { Client } from '../../client.ts'
import { createClient } from '../../client.ts'
import type { Action, Cli } from '../../context.ts'
import { wholeNumber } from '../../options.ts'
import { renderTable } from '../../table.ts'

export function addAskCommands(program: Command, action: Action): void {
  const ask = program.command('ask').description('questions that tasks and agents ask people')
  ask
    .command('ls')
    .description('open questions; --all: also the answered and withdrawn')
    .option('--all', 'also the answered and withdrawn')
    .option('--limit <n>', 'how many', wholeNumber('--limit', 1, 500), 100)
    .action(
      action(async (cli, _words, { all, limit }) => {
        const query = `limit=${String(limit)}${all === true ? '' : '&state=open'}`
        const { items } = await (await createClient(cli)).get<Page<QuestionView>>(`/api/questions?${query}`)
        if (cli.globals.json) for (const item of items) cli.printJson(item)
        else cli.print(items.length === 0 ? 'No questions.' : renderQuestions(cli, items))
      }),
    )
  ask
    .command('show <id>')
    .description('one question, with all it shows')
    .action(action(async (cli, [id = '']) => printQuestion(cli, await find(await createClient(cli), id))))
  ask
    .command('answer <id> [text...]')
    .description('answer it in words, or with --choice; the first answer in the mesh counts')
    .option('--choice <choice>', 'one of its choices')
    .action(
      action(async (cli, [id = '', ...words], { choice }) => {
        const text = words.join(' ')
        const body = { ...(choice === undefined ? {} : { choice }), ...(text === '' ? {} : { text }) }
        const answered = await (await createClient(cli)).post<QuestionView>(`/api/questions/${encodeURIComponent(id)}/answer`, body)
        if (cli.globals.json) cli.printJson(answered)
        else cli.print(`Answered: ${safe(answerText(answered))}`)
      }),
    )
}

function find(client: Client, id: string): Promise<QuestionView> {
  return client.get<QuestionView>(`/api/questions/${encodeURIComponent(id)}`)
}

function renderQuestions(cli: Cli, items: readonly QuestionView[]): string {
  const columns = [
    { title: 'QUESTION' },
    { title: 'STATE' },
    { title: 'AGE', right: true },
    { title: 'BY' },
    { title: 'TEXT', gives: true },
  ]
  const rows = items.map((item) => [
    item.id,
    item.state,
    formatDuration(Math.max(0, cli.now() - item.askedAt)),
    item.task === undefined ? item.askedBy : `${item.task} on ${item.askedBy}`,
    item.state === 'answered' ? `${item.text} -> ${answerText(item)}` : item.text,
  ])
  return renderTable(cli.io, columns, rows)
}

function printQuestion(cli: Cli, item: QuestionView): void {
  if (cli.globals.json) return cli.printJson(item)
  const asker = item.task === undefined ? item.askedBy : `task ${item.task}, by ${item.askedBy}`
  cli.print(safe(`${item.id}  ${item.state}  asked by ${asker} at ${new Date(item.askedAt).toISOString()}`))
  cli.print(safeLines(item.text))
  if (item.detail !== undefined) cli.print(safeLines(item.detail))
  if (item.choices !== undefined) cli.print(safe(`choices: ${item.choices.join(', ')}`))
  if (item.answer !== undefined) cli.print(safeLines(`answer: ${answerText(item)}`))
}

function answerText({ answer }: QuestionView): string {
  if (answer === undefined) return ''
  return `${[answer.choice, answer.text].filter((part) => part !== undefined).join(': ')} (${answer.by} at ${answer.workerName})`
}
