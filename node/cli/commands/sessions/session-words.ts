// Sessions for people: a table, one in full, what it says line by line. Everything an agent wrote is made inert first.
import type { SessionMessage, SessionView } from '../../../../protocols/http/sessions.ts'
import { safe, safeLines } from '../../../kernel/safe-text.ts'
import { createClient } from '../../client.ts'
import type { Cli } from '../../context.ts'
import { renderTable, type Tone } from '../../table.ts'

const TONES: Record<SessionView['state'], Tone> = {
  starting: 'dim',
  working: 'busy',
  waiting: 'bad',
  idle: 'plain',
  done: 'good',
  failed: 'bad',
  interrupted: 'dim',
}

export function printSessions(cli: Cli, items: readonly SessionView[]): void {
  if (cli.globals.json) return items.forEach((item) => cli.printJson(item))
  if (items.length === 0) return cli.print('No sessions.')
  const columns = [
    { title: 'SESSION' },
    { title: 'STATE' },
    { title: 'WORKER' },
    { title: 'TURNS', right: true },
    { title: 'USD', right: true },
    { title: 'PROMPT', gives: true },
  ]
  cli.print(
    renderTable(
      cli.io,
      columns,
      items.map((item) => [
        item.id,
        { text: item.state, tone: TONES[item.state] },
        item.workerName ?? '',
        String(item.turns),
        item.costUsd.toFixed(4),
        item.name ?? item.prompt,
      ]),
    ),
  )
}

export function printSession(cli: Cli, item: SessionView): void {
  if (cli.globals.json) return cli.printJson(item)
  const lines = [
    ['session', item.id],
    ['state', item.state],
    ['why', item.reason === undefined ? '' : `${item.reason.message} ${item.reason.cure ?? ''}`.trim()],
    ['worker', item.workerName ?? ''],
    ['agent', [item.driver, item.model, item.version].filter((word) => word !== undefined).join(' ')],
    ['on loss', item.onLoss],
    ['saved', item.saved === undefined ? '' : `${new Date(item.saved.at).toISOString()} on ${item.saved.on.join(', ')}`],
    ['branch', item.branch ?? ''],
    ['commit', item.commit ?? ''],
    ['turns', String(item.turns)],
    ['tokens', `${item.tokens.input} in, ${item.tokens.output} out, ${item.tokens.cacheRead} from the cache`],
    ['cost', `${item.costUsd.toFixed(4)} USD${item.budgetUsd === undefined ? '' : ` of ${item.budgetUsd}`}`],
    ['files', item.files.join(', ')],
    ['refused', item.refused.join(', ')],
    ['said', item.said ?? ''],
  ] as const
  for (const [name, value] of lines) if (value !== '') cli.print(`${name.padEnd(8)} ${safe(value)}`)
  for (const ask of item.asks) cli.print(`asks     ${safe(`${ask.request}: may it use ${ask.tool}? ${ask.input}`)}`)
}

export async function printMessages(cli: Cli, id: string, follow: boolean): Promise<void> {
  const client = await createClient(cli)
  const path = `/api/sessions/${encodeURIComponent(id)}/messages?follow=${String(follow)}`
  for await (const message of client.jsonLines<SessionMessage>(path, new AbortController().signal)) {
    if (cli.globals.json) cli.printJson(message)
    else {
      const text = wordsOf(message.event)
      if (text !== '') cli.print(safeLines(text))
    }
  }
}

function wordsOf(event: SessionMessage['event']): string {
  const text = (field: string): string => (typeof event[field] === 'string' ? event[field] : '')
  switch (event.type) {
    case 'prompt':
      return `> ${text('text')}`
    case 'message':
    case 'note':
      return text('text')
    case 'tool':
      return `* ${text('tool')} ${text('input').slice(0, 500)}`
    case 'tool-result':
      return text('text').replace(/^/gm, '  ').slice(0, 2_000)
    case 'ask':
      return `? ${text('request')}: may it use ${text('tool')}? ${text('input').slice(0, 500)}`
    case 'decided':
      return `! ${event['allow'] === true ? 'allowed' : 'refused'} by ${text('by')}`
    case 'refused':
      return `! it may not reach ${text('host')}`
    case 'end':
      return `= ${text('state')}`
    default:
      return ''
  }
}
