// A task's output: raw bytes as text/plain, or pieces with stream and time as JSON lines, from any byte on.
import * as z from 'zod'
import type { LogChunk } from '../../../protocols/http/views.ts'
import { logChunk } from '../../../protocols/http/views.ts'
import { logBytes } from '../../../protocols/log-bytes.ts'
import { describe } from '../describe.ts'
import type { Api } from '../env.ts'
import { createRoutes } from '../env.ts'
import { flag, given, readQuery, wholeNumber } from '../input.ts'
import type { NodePort } from '../ports.ts'
import { notFound } from '../problems.ts'
import type { StreamGate } from '../streams.ts'
import { streamOf } from '../streams.ts'
import { logLineRoutes } from './tasks/log-lines.ts'

const OFFSET_MAX = Number.MAX_SAFE_INTEGER
const logQuery = z.strictObject({
  from: wholeNumber(0, OFFSET_MAX).default(0),
  follow: flag,
  attempt: wholeNumber(0, OFFSET_MAX).optional(),
})
const LINES = 'application/x-ndjson'

export function taskLogRoutes(node: Pick<NodePort, 'task' | 'readLog' | 'readLines'>, gate: StreamGate): Api {
  const api = createRoutes()
  const summary = 'Output of one attempt, the newest if none is named; JSON lines with Accept: application/x-ndjson'
  const answers = { 200: { text: `Bytes as they were written, or one LogChunk a line (${LINES})`, type: LINES, schema: logChunk } }
  api.get('/api/tasks/:id/log', describe({ id: 'getTaskLog', tag: 'tasks', summary, query: logQuery, answers }), async (c) => {
    const { from, follow, attempt } = readQuery(c, logQuery)
    const id = c.req.param('id')
    const task = node.task(id)
    if (task === undefined) throw notFound('task', id)
    const lines = c.req.header('accept')?.includes(LINES) === true
    const leave = gate.enter()
    const gone = new AbortController()
    const end = () => {
      leave()
      gone.abort()
    }
    try {
      const iterator = node.readLog(id, { from, follow, ...given({ attempt }), signal: gone.signal })[Symbol.asyncIterator]()
      // Where no more is to come the first piece comes soon or fails soon: so a log that cannot be read gets its status.
      const first = follow && (task.result === undefined || task.provisional === true) ? undefined : await iterator.next()
      const body = streamOf(encoded(iterator, first, lines), end)
      return c.body(body, 200, { 'content-type': lines ? LINES : 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    } catch (error) {
      end()
      throw error
    }
  })
  api.route('/', logLineRoutes(node, gate))
  return api
}

async function* encoded(
  iterator: AsyncIterator<LogChunk>,
  first: IteratorResult<LogChunk> | undefined,
  lines: boolean,
): AsyncGenerator<string | Uint8Array> {
  try {
    for (let next = first ?? (await iterator.next()); next.done !== true; next = await iterator.next()) {
      if (lines) yield `${JSON.stringify(next.value)}\n`
      else if (next.value.stream !== 'system') yield logBytes(next.value)
    }
  } finally {
    void iterator.return?.()
  }
}
