// What the dashboard asks of a node about lines of output: found where they lie, told as they are found.
import type { LogRow, MergedRow } from '../../../../protocols/logs/log-line-views.ts'
import { readLogChunks } from '../log-stream.ts'
import { queryString } from '../query-string.ts'

/** What is needed of the REST client. */
type Rest = { send(method: string, path: string, init: { accept: string; signal: AbortSignal }): Promise<Response> }

/** With `tail` the last lines, else those from line `from` on; with `q` those that hold it, with `context` neighbours. */
export type LineQuery = {
  from?: number
  limit?: number
  tail?: number
  q?: string
  context?: number
  follow?: boolean
  attempt?: number
}

export type LineCalls = {
  ofTask(id: string, query: LineQuery, signal: AbortSignal): AsyncIterable<LogRow>
  /** Of several tasks, by time. */
  ofTasks(ids: readonly string[], query: Omit<LineQuery, 'from' | 'attempt'>, signal: AbortSignal): AsyncIterable<MergedRow>
}

export function createLineCalls(rest: Rest): LineCalls {
  async function* rows<Row>(path: string, signal: AbortSignal): AsyncIterable<Row> {
    const response = await rest.send('GET', path, { accept: 'application/x-ndjson', signal })
    if (response.body !== null) yield* readLogChunks<Row>(response.body)
  }
  const asked = ({ follow, ...query }: LineQuery) => ({ ...query, follow: follow === true ? 'true' : undefined })
  return {
    ofTask: (id, query, signal) => rows<LogRow>(`/api/tasks/${encodeURIComponent(id)}/log/lines${queryString(asked(query))}`, signal),
    ofTasks: (ids, query, signal) => rows<MergedRow>(`/api/lines${queryString({ tasks: ids.join(','), ...asked(query) })}`, signal),
  }
}
