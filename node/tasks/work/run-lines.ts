// Lines of the output of any attempt, asked at any node: looked for where the output lies, so that only what was found travels.
// It also answers other nodes' requests.
import type { CallAnswer, CallRequest } from '../../../protocols/calls.ts'
import { decodeCallAnswer } from '../../../protocols/calls.ts'
import type { LogRow } from '../../../protocols/logs/log-line-views.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import { LINES_A_FRAME } from '../../../protocols/logs/log-lines.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { LineQuery, LogLine, LogMark } from '../../runner/log-lines.ts'
import { createLineScanner } from '../../runner/log-lines.ts'
import type { LogChunk } from '../../runner/output-log.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { AttemptState, Fold, TaskState } from '../fold/fold.ts'

export type LineReading = LineQuery & { attempt?: number; follow: boolean; signal: AbortSignal }
export type RunLines = {
  /** Lines in their order, with a mark where the end of what there is was reached, or the limit; then, with `follow`, what comes. */
  read(task: TaskId, reading: LineReading): AsyncIterable<readonly LogRow[]>
  /** Answers another node. */
  answer(request: Extract<CallRequest, { op: 'lines' }>, signal: AbortSignal): AsyncIterable<CallAnswer>
}
export type RunLinesComponents = {
  self: PeerId
  fold: Pick<Fold, 'task'>
  blobs: Pick<BlobStore, 'has'>
  /** The output of one attempt as it was written, from whoever has it. */
  chunks(task: TaskId, query: { from: number; follow: boolean; attempt: number; signal: AbortSignal }): AsyncIterable<LogChunk>
  call(peer: PeerId, request: CallRequest, signal: AbortSignal): AsyncIterable<Uint8Array>
  newestOf(state: TaskState): AttemptState | undefined
  /** Settles at the next change of the task, or when the signal fires. */
  changed(task: TaskId, signal: AbortSignal): Promise<void>
}

type Found = { lines: readonly LogLine[] } | { mark: LogMark }
const STREAMS = { 1: 'stdout', 2: 'stderr', 3: 'system' } as const

export function createRunLines(components: RunLinesComponents): RunLines {
  const { self, fold } = components

  const scanHere = async function* (task: TaskId, attempt: AttemptState, query: LineQuery, signal: AbortSignal): AsyncIterable<Found> {
    let found: LogLine[] = []
    const scanner = createLineScanner(query, (line) => found.push(line))
    try {
      for await (const chunk of components.chunks(task, { from: 0, follow: false, attempt: attempt.epoch, signal })) {
        scanner.add(chunk)
        if (found.length > 0) yield { lines: found }
        found = []
        if (scanner.isDone()) break
      }
    } catch (error) {
      // Claimed a moment ago: its file is not there yet.
      const isYoung = error instanceof NimbusError && error.code === 'log-missing' && attempt.outcome === undefined
      if (!isYoung) throw error
    }
    if (signal.aborted) return
    const mark = scanner.mark(attempt.outcome !== undefined)
    if (found.length > 0) yield { lines: found }
    yield { mark }
  }

  /** Asks the worker that has it. @returns whether it told all */
  const scanThere = async function* (
    holder: PeerId,
    request: Extract<CallRequest, { op: 'lines' }>,
    signal: AbortSignal,
  ): AsyncGenerator<Found, boolean> {
    for await (const frame of components.call(holder, request, signal)) {
      const answer = decodeCallAnswer(frame)
      if (answer?.t === 'lines') yield { lines: answer.lines as LogLine[] }
      else if (answer?.t === 'lines-mark') {
        const { lines, bytes, next, open } = answer
        yield { mark: { lines, bytes, next, open: open as LogLine[] } }
        return true
      } else if (answer?.t !== 'progress') return false
    }
    return false
  }

  const scan = async function* (state: TaskState, attempt: AttemptState, reading: LineReading): AsyncIterable<Found> {
    const { signal, from, limit, tail, q, context } = reading
    const query = { from, limit, context, ...(tail === undefined ? {} : { tail }), ...(q === undefined ? {} : { q }) }
    const { epoch, holder, outcome } = attempt
    const isHere = holder === undefined || holder === self || (outcome?.log !== undefined && (await components.blobs.has(outcome.log.hash)))
    let told = 0
    if (!isHere) {
      try {
        const there = scanThere(holder, { op: 'lines', task: state.id, epoch, ...query }, signal)
        for (let next = await there.next(); ; next = await there.next()) {
          if (next.done === true && next.value) return
          if (next.done === true) break
          told += 1
          yield next.value
        }
      } catch (error) {
        // It went away: where nothing was told yet, others that have the output are read instead.
        if (signal.aborted || told > 0) throw error
      }
      if (told > 0) throw brokenOff(epoch)
    }
    yield* scanHere(state.id, attempt, query, signal)
  }

  return {
    async *read(task, reading) {
      const attempt = await attemptOf(components, task, reading)
      const state = fold.task(task)
      if (attempt === undefined || state === undefined) {
        if (!reading.signal.aborted) yield [{ type: 'mark', task, epoch: 0, lines: 0, bytes: 0, next: null }]
        return
      }
      const { epoch } = attempt
      let mark: LogMark | undefined
      for await (const found of scan(state, attempt, reading)) {
        if ('lines' in found) yield found.lines.map((line) => rowOf(task, epoch, line))
        else mark = found.mark
      }
      if (mark === undefined) return
      const shown = reading.q === undefined && mark.next === null ? mark.open : []
      yield [...shown.map((line) => rowOf(task, epoch, line, true)), markOf(task, epoch, mark)]
      if (reading.follow && mark.next === null) yield* follow(components, task, epoch, reading, mark)
    },
    async *answer({ task, epoch, from, limit, tail, q, context }, signal) {
      const state = fold.task(task)
      const attempt = state?.attempts.find((one) => one.epoch === epoch)
      if (attempt === undefined || attempt.holder !== self)
        return yield { t: 'error', code: 'log-elsewhere', message: `The output of attempt ${epoch} is not here.`, kind: 'missing' }
      for await (const found of scanHere(task, attempt, { from, limit, tail, q, context }, signal)) {
        if ('mark' in found) yield { t: 'lines-mark', ...found.mark, open: [...found.mark.open] }
        else
          for (let at = 0; at < found.lines.length; at += LINES_A_FRAME)
            yield { t: 'lines', lines: found.lines.slice(at, at + LINES_A_FRAME) }
      }
    },
  }
}

/** What is written after the mark; a line that has not ended comes with each piece of it, and whole in the end. */
async function* follow(
  components: RunLinesComponents,
  task: TaskId,
  epoch: number,
  { signal, q, context }: LineReading,
  mark: LogMark,
): AsyncIterable<readonly LogRow[]> {
  let found: LogLine[] = []
  const query = { from: 1, limit: Infinity, context, ...(q === undefined ? {} : { q }) }
  const scanner = createLineScanner(query, (line) => found.push(line), mark)
  for await (const chunk of components.chunks(task, { from: mark.bytes, follow: true, attempt: epoch, signal })) {
    scanner.add(chunk)
    const open = q === undefined ? scanner.openLines().filter(({ stream }) => stream === chunk.stream) : []
    const rows = [...found.map((line) => rowOf(task, epoch, line)), ...open.map((line) => rowOf(task, epoch, line, true))]
    found = []
    if (rows.length > 0) yield rows
  }
  if (signal.aborted) return
  const end = scanner.mark(true)
  yield [...found.map((line) => rowOf(task, epoch, line)), markOf(task, epoch, end)]
}

/** The attempt that is meant: the named one, else the newest; with `follow` the first one is waited for. */
async function attemptOf(components: RunLinesComponents, task: TaskId, reading: LineReading): Promise<AttemptState | undefined> {
  for (;;) {
    const state = components.fold.task(task)
    if (state?.task === undefined)
      throw new NimbusError('task-unknown', `There is no task ${task}.`, { kind: 'missing', cure: 'nimbus task ls lists them.' })
    const attempt =
      reading.attempt === undefined ? components.newestOf(state) : state.attempts.find(({ epoch }) => epoch === reading.attempt)
    if (attempt !== undefined || !reading.follow || reading.signal.aborted || state.value.state === 'settled') return attempt
    await components.changed(task, reading.signal)
  }
}

function rowOf(task: TaskId, epoch: number, line: LogLine, open?: boolean): LogRow {
  return {
    type: 'line',
    task,
    epoch,
    line: line.line,
    offset: line.offset,
    stream: STREAMS[line.stream],
    time: Math.floor(line.time),
    text: Buffer.from(line.bytes.buffer, line.bytes.byteOffset, line.bytes.byteLength).toString('utf8'),
    size: line.size,
    ...(line.hit ? { hit: true } : {}),
    ...(open === true ? { open: true } : {}),
  }
}

function markOf(task: TaskId, epoch: number, { lines, bytes, next }: LogMark): LogRow {
  return { type: 'mark', task, epoch, lines, bytes, next }
}

function brokenOff(epoch: number): NimbusError {
  return new NimbusError('log-broken-off', `The worker that has the output of attempt ${epoch} went away while it was searched.`, {
    kind: 'unreachable',
    cure: 'Ask again: where others have a copy, it is read there.',
  })
}
