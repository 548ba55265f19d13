// The output of any attempt, read at any node: from the running process here, from the node where it runs, or by hash from
// whoever has it. It also answers other nodes' requests, for output and for blobs.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { CallAnswer, CallRequest } from '../../../protocols/calls.ts'
import { decodeCallAnswer } from '../../../protocols/calls.ts'
import type { LogChunk as LogChunkView } from '../../../protocols/http/views.ts'
import { logText } from '../../../protocols/log-bytes.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Runner } from '../../runner/guardian-client.ts'
import type { LogChunk } from '../../runner/output-log.ts'
import { readLog } from '../../runner/output-log.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { RetentionRule } from '../retention/rule.ts'
import type { AttemptState, Fold, TaskState } from '../fold/fold.ts'
import type { BlobFetch } from './blob-fetch.ts'
import { createRunLines, type RunLines } from './run-lines.ts'
import type { ShellWork } from './shell-work.ts'

export type RunLogsComponents = {
  self: PeerId
  clock: Clock
  fold: Pick<Fold, 'task'>
  runner: Pick<Runner, 'follow' | 'running'>
  work: Pick<ShellWork, 'logFile' | 'runId'>
  blobs: BlobStore
  fetch: Pick<BlobFetch, 'keep'>
  retention: Pick<RetentionRule, 'isOver' | 'refusal'>
  call(peer: PeerId, request: CallRequest, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** Settles at the next change of the task, or when the signal fires. */
  changed(task: TaskId, signal: AbortSignal): Promise<void>
}
export type LogQuery = { from: number; follow: boolean; attempt?: number; signal: AbortSignal }

export type RunLogs = {
  read(task: TaskId, query: LogQuery): AsyncIterable<LogChunkView>
  lines: RunLines['read']
  /** Answers another node. */
  answer(request: Extract<CallRequest, { op: 'log' | 'blob' | 'lines' }>, signal: AbortSignal): AsyncIterable<CallAnswer>
}

/** A worker that cannot be asked for the output of its run is asked again after this. */
const RETRY_MS = 1_000
/** The start of a process changes nothing in the fold: it is looked for this often. */
const START_LOOK_MS = 50
const STREAMS = { 1: 'stdout', 2: 'stderr', 3: 'system' } as const

export function createRunLogs(components: RunLogsComponents): RunLogs {
  const { self, fold, runner, work, blobs } = components

  const isRunningHere = (task: TaskId, epoch: number): boolean => runner.running().includes(work.runId(task, epoch))
  const localChunks = (task: TaskId, epoch: number, from: number, follow: boolean, signal: AbortSignal): AsyncIterable<LogChunk> =>
    readLog(work.logFile(task, epoch), { from, signal, ...(follow ? { follow: runner.follow(work.runId(task, epoch)) } : {}) })

  const changedWithin = async (limitMs: number, task: TaskId, signal: AbortSignal): Promise<void> => {
    const over = new AbortController()
    const end = (): void => over.abort()
    signal.addEventListener('abort', end)
    const cancel = components.clock.after(limitMs, end)
    await components.changed(task, over.signal)
    cancel()
    signal.removeEventListener('abort', end)
  }
  const remoteChunks = async function* (
    holder: PeerId,
    request: Extract<CallRequest, { op: 'log' }>,
    signal: AbortSignal,
  ): AsyncIterable<LogChunk> {
    for await (const frame of components.call(holder, request, signal)) {
      const answer = decodeCallAnswer(frame)
      if (answer?.t === 'chunk') yield answer as LogChunk
      else if (answer?.t === 'error')
        throw new NimbusError(answer.code, answer.message, {
          kind: answer.kind,
          ...(answer.cure === undefined ? {} : { cure: answer.cure }),
        })
      else if (answer?.t !== 'progress') return
    }
  }
  const storedChunks = async function* (
    state: TaskState,
    { epoch, holder }: AttemptState,
    hash: string,
    { from, signal }: LogQuery,
  ): AsyncIterable<LogChunk> {
    const release = await blobs.hold(hash)
    try {
      if (await components.fetch.keep(hash, holder, signal)) return yield* readLog(blobs.pathOf(hash), { from, signal })
    } finally {
      release()
    }
    if (components.retention.isOver(state)) throw components.retention.refusal('log-expired', `The log of attempt ${epoch}`)
    try {
      // Its worker may keep files for a shorter time than this node, and says so.
      if (holder !== undefined && holder !== self)
        return yield* remoteChunks(holder, { op: 'log', task: state.id, epoch, from, follow: false }, signal)
    } catch (error) {
      if (error instanceof NimbusError && error.code === 'log-expired') throw error
    }
    throw new NimbusError('log-out-of-reach', `The log of attempt ${epoch} lies on ${holder}, which cannot be reached.`, {
      kind: 'unreachable',
      cure: 'Start that machine again, then ask once more.',
    })
  }
  const chunksOf = async function* (state: TaskState, attempt: AttemptState, query: LogQuery): AsyncIterable<LogChunk> {
    const { from, follow, signal } = query
    const stored = attempt.outcome?.log?.hash
    if (stored !== undefined) return yield* storedChunks(state, attempt, stored, query)
    if (attempt.outcome !== undefined || attempt.holder === undefined) return
    if (attempt.holder !== self)
      return yield* remoteChunks(attempt.holder, { op: 'log', task: state.id, epoch: attempt.epoch, from, follow }, signal)
    // The claim is made before the process exists, and a clone may come first: who follows waits for it.
    while (follow && !isRunningHere(state.id, attempt.epoch) && !isOver(state, attempt) && !signal.aborted)
      await changedWithin(START_LOOK_MS, state.id, signal)
    if (isRunningHere(state.id, attempt.epoch)) yield* localChunks(state.id, attempt.epoch, from, follow, signal)
  }

  const chunks = async function* (task: TaskId, query: LogQuery): AsyncIterable<LogChunk> {
    let from = query.from
    for (;;) {
      const state = fold.task(task)
      if (state?.task === undefined)
        throw new NimbusError('task-unknown', `There is no task ${task}.`, { kind: 'missing', cure: 'nimbus task ls lists them.' })
      const attempt = query.attempt === undefined ? newestOf(state) : attemptOf(state, query.attempt)
      if (attempt !== undefined) {
        // From now on this attempt only: the next one begins its own output at zero.
        query = { ...query, attempt: attempt.epoch }
        try {
          for await (const chunk of chunksOf(state, attempt, { ...query, from })) {
            from = chunk.offset + chunk.bytes.length
            yield chunk
          }
        } catch (error) {
          if (!query.follow || query.signal.aborted || isOver(state, attempt)) throw error
          // Its worker may be dead, or only a link: asked again until the mesh says that the attempt is over.
          await changedWithin(RETRY_MS, task, query.signal)
          continue
        }
      }
      if (!query.follow || query.signal.aborted || state.value.state === 'settled' || (attempt !== undefined && isOver(state, attempt))) {
        // What was written between the last read and the end is in the stored log.
        const ended = attempt === undefined ? undefined : attemptOf(fold.task(task), attempt.epoch)
        if (
          query.follow &&
          attempt !== undefined &&
          ended?.outcome?.log !== undefined &&
          from < ended.outcome.log.size &&
          !query.signal.aborted
        ) {
          query = { ...query, follow: false }
          continue
        }
        return
      }
      await components.changed(task, query.signal)
    }
  }
  const lines = createRunLines({ ...components, chunks, newestOf })

  return {
    async *read(task, query) {
      for await (const { offset, stream, time, bytes } of chunks(task, query))
        yield { offset, stream: STREAMS[stream], time: Math.floor(time), ...logText(bytes) }
    },
    lines: lines.read,
    async *answer(request, signal) {
      if (request.op === 'lines') return yield* lines.answer(request, signal)
      if (request.op === 'blob') {
        if (!(await blobs.has(request.hash)))
          return yield { t: 'error', code: 'blob-unknown', message: `The blob ${request.hash} is not here.`, kind: 'missing' }
        const release = await blobs.hold(request.hash)
        try {
          for await (const bytes of blobs.open(request.hash, request.from ?? 0)) yield { t: 'bytes', bytes }
        } finally {
          release()
        }
        return yield { t: 'done' }
      }
      const { task, epoch, from, follow } = request
      const state = fold.task(task)
      const attempt = attemptOf(state, epoch)
      if (state !== undefined && attempt?.holder === self) {
        for await (const chunk of chunksOf(state, attempt, { from, follow, attempt: epoch, signal })) yield { t: 'chunk', ...chunk }
      }
      yield { t: 'done' }
    },
  }
}

/** Also where it was lost: the keepers gave the task a new epoch, or took it back. */
function isOver({ value }: TaskState, attempt: AttemptState): boolean {
  return attempt.outcome !== undefined || value.epoch > attempt.epoch || value.state !== 'held'
}

function newestOf(state: TaskState): AttemptState | undefined {
  return [...state.attempts.values()].filter((attempt) => attempt.holder !== undefined).sort((a, b) => b.epoch - a.epoch)[0]
}

function attemptOf(state: TaskState | undefined, epoch: number): AttemptState | undefined {
  return state?.attempts.find((attempt) => attempt.epoch === epoch)
}
