// Lines of several outputs in the order of their times. Up to its first mark each output is waited for, so that what is there
// comes sorted; after it lines come as they are written, and a silent output holds up nobody.
import type { LogRow, MergedRow } from '../../../../protocols/logs/log-line-views.ts'
import { messageOf, NimbusError } from '../../../kernel/errors.ts'

export type Output = { task: string; rows: AsyncIterable<readonly LogRow[]> }
type Source = {
  task: string
  batches: AsyncIterator<readonly LogRow[]>
  /** What came and was not given out yet. */
  rows: readonly MergedRow[]
  at: number
  state: 'first' | 'live' | 'ended'
  isAsked: boolean
}

/** Rows that go out together at most. */
const BATCH_MAX = 256

/** An output that cannot be read gives one row that says why. */
export async function* mergeLines(outputs: readonly Output[]): AsyncGenerator<readonly MergedRow[]> {
  const sources = outputs.map(
    ({ task, rows }): Source => ({
      task,
      batches: rows[Symbol.asyncIterator](),
      rows: [],
      at: 0,
      state: 'first',
      isAsked: false,
    }),
  )
  let woken = Promise.withResolvers<void>()
  const ask = (source: Source): void => {
    source.isAsked = true
    const take = (rows: readonly MergedRow[], isEnd: boolean): void => {
      Object.assign(source, { rows, at: 0, isAsked: false, ...(isEnd ? { state: 'ended' } : {}) })
      woken.resolve()
    }
    source.batches.next().then(
      ({ value, done }) => take(done === true ? [] : value, done === true),
      (error: unknown) => take([faultOf(source.task, error)], true),
    )
  }
  let out: MergedRow[] = []
  try {
    for (;;) {
      for (const source of sources) if (source.at >= source.rows.length && source.state !== 'ended' && !source.isAsked) ask(source)
      const first = sources.some((source) => source.state === 'first' && source.at >= source.rows.length) ? undefined : earliest(sources)
      if (first !== undefined) out.push(takeFrom(first))
      if (first !== undefined && out.length < BATCH_MAX) continue
      if (out.length > 0) {
        const batch = out
        out = []
        yield batch
      } else if (sources.every(({ state, rows, at }) => state === 'ended' && at >= rows.length)) return
      else {
        await woken.promise
        woken = Promise.withResolvers()
      }
    }
  } finally {
    for (const { batches } of sources) void batches.return?.()
  }
}

function earliest(sources: readonly Source[]): Source | undefined {
  let first: Source | undefined
  for (const source of sources)
    if (source.at < source.rows.length && (first === undefined || timeOf(source) < timeOf(first))) first = source
  return first
}

/** Marks and faults stand at no time: they go out at once. */
function timeOf({ rows, at }: Source): number {
  const row = rows[at]
  return row?.type === 'line' ? row.time : -1
}

function takeFrom(source: Source): MergedRow {
  const row = source.rows[source.at] as MergedRow
  source.at += 1
  if (row.type === 'mark' && source.state === 'first') source.state = 'live'
  return row
}

function faultOf(task: string, error: unknown): MergedRow {
  const { code, cure } = error instanceof NimbusError ? error : { code: 'failed', cure: undefined }
  return { type: 'fault', task, epoch: 0, code, detail: messageOf(error), ...(cure === undefined ? {} : { cure }) }
}
