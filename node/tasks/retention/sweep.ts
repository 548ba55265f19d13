// Takes away, on this node, the files that no task needs any more: those of tasks that were settled longer ago than the retention,
// and those that no task names. Blobs are shared by content, so one that a kept task names stays whoever else named it.
import type { TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import { nextTurn, repeat } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { Fold, TaskState } from '../fold/fold.ts'
import { blobsOfSpec, blobsOfTask } from './named-blobs.ts'
import type { RetentionRule } from './rule.ts'
import { TASKS_A_TURN } from './rule.ts'

export type SweepComponents = {
  clock: Clock
  log: Pick<Log, 'info'>
  fold: Pick<Fold, 'task' | 'tasks'>
  rule: RetentionRule
  blobs: Pick<BlobStore, 'list' | 'remove'>
  /** Work that is to come and names blobs, such as the tasks of schedules. */
  plans(): Iterable<TaskSpec>
  /** Blobs that something beside tasks names. */
  named(): Iterable<string>
  /** A run has ended whose result no register has yet: what it left is named nowhere. */
  isSettling(): boolean
  /** Logs of runs that were never put away. */
  dropOldLogs(writtenBeforeMs: number): Promise<void>
  /** This blob is not here any more. */
  onRemoved(hash: string): void
  onError(error: unknown): void
}
export type Sweep = {
  start(): void
  /** Settles when no round is under way any more. */
  stop(): Promise<void>
  /** A task changed: what it names is kept, also by a sweep that is under way. */
  note(state: TaskState): void
  /** One round. @returns how many blobs went */
  run(): Promise<number>
}

/** What no task names stays for so long: a client brings its files before it publishes, a run leaves them before it is settled. */
const UNNAMED_KEEP_MS = 3_600_000
/** A block that this node missed or lost may name what looks unnamed; others bring it in this time. */
const FIRST_LOOK_MS = 600_000
const PERIOD_MS_MAX = 300_000
const PERIOD_MS_MIN = 500
/** Blobs that one round looks at; the next one goes on behind them. */
const ROUND_MAX = 100_000

type Candidate = { writtenMs: number; named: boolean }

export function createSweep(components: SweepComponents): Sweep {
  const { clock, fold, blobs, rule } = components
  const startedMs = clock.nowMs()
  /** Before this a file is never removed, whoever named it: it was brought again a moment ago. */
  const graceMs = Math.min(UNNAMED_KEEP_MS, rule.retentionMs)
  let candidates = new Map<string, Candidate>()
  let round: Promise<number> | undefined
  let after = ''
  let cancel: Cancel = () => {}
  let stopped = false

  const look = async (): Promise<void> => {
    candidates = new Map()
    for await (const { hash, writtenMs } of blobs.list(after)) {
      after = hash
      if (writtenMs < clock.wallMs() - graceMs) candidates.set(hash, { writtenMs, named: false })
      if (candidates.size >= ROUND_MAX) return
    }
    after = ''
  }
  const keepAll = (hashes: Iterable<string>): void => {
    for (const hash of hashes) candidates.delete(hash)
  }
  const consider = (state: TaskState, seen: Set<readonly TaskId[]>): void => {
    if (rule.isOver(state)) {
      for (const hash of blobsOfTask(state)) {
        const candidate = candidates.get(hash)
        if (candidate !== undefined) candidate.named = true
      }
      return
    }
    keepAll(blobsOfTask(state))
    // What came before an open task is brought to it, however old it is. Tasks of a batch share one list.
    const before = state.value.state === 'settled' ? undefined : state.task?.spec.after
    if (before === undefined || seen.has(before)) return
    seen.add(before)
    for (const id of before) {
      const input = fold.task(id)
      if (input !== undefined) keepAll(blobsOfTask(input))
    }
  }
  const considerAll = async (): Promise<void> => {
    const seen = new Set<readonly TaskId[]>()
    keepAll(components.named())
    for (const plan of components.plans()) keepAll(blobsOfSpec(plan))
    let looked = 0
    for (const state of fold.tasks()) {
      consider(state, seen)
      looked += 1
      if (looked % TASKS_A_TURN === 0) await nextTurn()
    }
  }
  const removeRest = async (): Promise<number> => {
    const mayTakeUnnamed = clock.nowMs() - startedMs >= FIRST_LOOK_MS && !components.isSettling()
    let removed = 0
    for (const [hash, { named }] of candidates) {
      if (stopped) break
      if (!named && !mayTakeUnnamed) continue
      if (!(await blobs.remove(hash, clock.wallMs() - (named ? graceMs : UNNAMED_KEEP_MS)))) continue
      components.onRemoved(hash)
      removed += 1
    }
    return removed
  }
  const sweep = async (): Promise<number> => {
    await look()
    if (candidates.size > 0) await considerAll()
    const removed = await removeRest()
    candidates = new Map()
    if (removed > 0) components.log.info({ removed }, 'files that no task needs any more were removed')
    await components.dropOldLogs(clock.wallMs() - UNNAMED_KEEP_MS)
    return removed
  }
  const run = (): Promise<number> => (round ??= sweep().finally(() => (round = undefined)))
  return {
    start() {
      const quietly = async (): Promise<void> => void (await run())
      const periodMs = Math.max(PERIOD_MS_MIN, Math.min(PERIOD_MS_MAX, rule.retentionMs / 2))
      cancel = repeat(clock, periodMs, quietly, components.onError)
      quietly().catch(components.onError)
    },
    async stop() {
      stopped = true
      cancel()
      await round?.catch(() => {}) // told by whoever began it
    },
    note(state) {
      if (candidates.size > 0 && !rule.isOver(state)) consider(state, new Set())
    },
    run,
  }
}
