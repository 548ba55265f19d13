// Lines of one task's output by number, by a text in them, or the last ones; and of several tasks together, by time. They are
// looked for where the output lies, come as they are found, and the search ends when the reader goes.
import * as z from 'zod'
import { LINE_CONTEXT_MAX, LINE_SOURCES_MAX, LINE_TEXT_MAX, LINES_MAX } from '../../../../protocols/logs/log-lines.ts'
import { logRow, mergedRow } from '../../../../protocols/logs/log-line-views.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { flag, given, readQuery, wholeNumber } from '../../input.ts'
import type { LinesQuery } from './lines-port.ts'
import type { NodePort } from '../../ports.ts'
import { notFound } from '../../problems.ts'
import type { StreamGate } from '../../streams.ts'
import { streamOf } from '../../streams.ts'
import { mergeLines } from './merge-lines.ts'

const LINES = 'application/x-ndjson'
const LINE_NUMBER_MAX = Number.MAX_SAFE_INTEGER
const LIMIT_DEFAULT = 500
const text = z
  .string()
  .min(1)
  .max(LINE_TEXT_MAX)
  .regex(/^[^\p{Cc}]*$/u, 'one line without control characters')
const asked = {
  limit: wholeNumber(1, LINES_MAX).default(LIMIT_DEFAULT),
  tail: wholeNumber(1, LINES_MAX).optional(),
  q: text.optional(),
  context: wholeNumber(0, LINE_CONTEXT_MAX).default(0),
  follow: flag,
}
const linesQuery = z.strictObject({
  ...asked,
  from: wholeNumber(1, LINE_NUMBER_MAX).default(1),
  attempt: wholeNumber(1, LINE_NUMBER_MAX).optional(),
})
const mergedQuery = z.strictObject({
  ...asked,
  tasks: z
    .string()
    .regex(/^[0-9a-z]{1,64}(,[0-9a-z]{1,64})*$/, 'task IDs separated by commas')
    .transform((ids) => [...new Set(ids.split(','))])
    .refine((ids) => ids.length <= LINE_SOURCES_MAX, `at most ${LINE_SOURCES_MAX} tasks`),
})

export function logLineRoutes(node: Pick<NodePort, 'task' | 'readLines'>, gate: StreamGate): Api {
  const api = createRoutes()
  const find = (id: string): void => {
    if (node.task(id) === undefined) throw notFound('task', id)
  }
  const answer = (open: (signal: AbortSignal) => AsyncIterable<readonly object[]>): ReadableStream<Uint8Array> => {
    const leave = gate.enter()
    const gone = new AbortController()
    return streamOf(written(open(gone.signal)), () => {
      leave()
      gone.abort()
    })
  }
  const headers = { 'content-type': LINES, 'cache-control': 'no-store' }
  api.get(
    '/api/tasks/:id/log/lines',
    describe({
      id: 'getTaskLines',
      tag: 'tasks',
      summary: 'Numbered lines of an attempt’s output: from a number on, the last ones, or those that hold a text; one LogRow a line',
      query: linesQuery,
      answers: { 200: { text: 'Lines as they are found, then a mark; with `follow` what comes after it', type: LINES, schema: logRow } },
    }),
    (c) => {
      const id = c.req.param('id')
      const query = readQuery(c, linesQuery)
      find(id)
      return c.body(
        answer((signal) => node.readLines(id, queryOf(query, signal))),
        200,
        headers,
      )
    },
  )
  api.get(
    '/api/lines',
    describe({
      id: 'listLines',
      tag: 'tasks',
      summary: 'Lines of several tasks by time, the newest attempt of each; one MergedLogRow a line',
      query: mergedQuery,
      answers: { 200: { text: 'Lines, a mark for each task, then with `follow` what is written', type: LINES, schema: mergedRow } },
    }),
    (c) => {
      const { tasks, ...query } = readQuery(c, mergedQuery)
      for (const id of tasks) find(id)
      return c.body(
        answer((signal) => mergeLines(tasks.map((task) => ({ task, rows: node.readLines(task, queryOf({ ...query, from: 1 }, signal)) })))),
        200,
        headers,
      )
    },
  )
  return api
}

function queryOf(
  { tail, q, attempt, ...rest }: Omit<z.output<typeof linesQuery>, 'attempt'> & { attempt?: number | undefined },
  signal: AbortSignal,
): LinesQuery {
  return { ...rest, ...given({ tail, q, attempt }), signal }
}

async function* written(batches: AsyncIterable<readonly object[]>): AsyncGenerator<string> {
  for await (const rows of batches) if (rows.length > 0) yield rows.map((row) => `${JSON.stringify(row)}\n`).join('')
}
