// Follows a task's output to its end: attempt after attempt, each from the byte where a cut connection left off.
import type { AttemptView, LogChunk, TaskView } from '../../../protocols/http/views.ts'
import { logBytes } from '../../../protocols/log-bytes.ts'
import type { Clock } from '../../kernel/clock.ts'
import { sleep } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Client } from '../client.ts'
import type { TaskWatcher } from './task-watcher.ts'
import { hasEnded } from './task-watcher.ts'

export type FollowEvents = {
  chunk(chunk: LogChunk): void | Promise<void>
  /** A further attempt begins; `before` is the one that ended. */
  attempt(attempt: AttemptView, before: AttemptView): void
  /** Output that cannot be shown, and why. */
  missing(reason: string): void
}

const RETRY_MS = 300
/** How long the output of an attempt that has ended may take to arrive. */
const REST_MS_MAX = 5000

/** @returns the task once it has ended and its output has been shown */
export async function followTask(client: Client, watcher: TaskWatcher, clock: Clock, on: FollowEvents): Promise<TaskView> {
  let last: AttemptView | undefined
  for (;;) {
    const seen = last?.epoch ?? -1
    const task = await watcher.until((now) => newest(now, seen) !== undefined || hasEnded(now))
    const attempt = newest(task, seen)
    if (attempt === undefined) return task
    if (last !== undefined) on.attempt(attempt, task.attempts.find((item) => item.epoch === seen) ?? last)
    await readAttempt(client, watcher, clock, { id: task.id, epoch: attempt.epoch }, on)
    last = attempt
    await watcher.until((now) => isOver(now, attempt.epoch))
  }
}

async function readAttempt(
  client: Client,
  watcher: TaskWatcher,
  clock: Clock,
  what: { id: string; epoch: number },
  on: FollowEvents,
): Promise<void> {
  const stopped = new AbortController()
  let over = false
  // A follow on a lost worker may never end by itself: the end of the attempt, told by the keepers, ends it.
  void watcher
    .until((now) => isOver(now, what.epoch))
    .then(
      () => {
        over = true
        clock.after(REST_MS_MAX, () => stopped.abort())
      },
      () => stopped.abort(),
    )
  for (let from = 0; ; ) {
    try {
      const path = `/api/tasks/${what.id}/log?follow=true&attempt=${what.epoch}&from=${from}`
      for await (const chunk of client.jsonLines<LogChunk>(path, stopped.signal)) {
        await on.chunk(chunk)
        from = chunk.offset + logBytes(chunk).length
      }
      return
    } catch (error) {
      if (error instanceof NimbusError && error.kind !== 'unreachable' && error.kind !== 'busy') throw error
      if (over || stopped.signal.aborted) return on.missing(`the rest of its output, from byte ${from} on, cannot be read now`)
      await sleep(clock, RETRY_MS)
    }
  }
}

function newest(task: TaskView, after: number): AttemptView | undefined {
  return task.attempts.findLast((attempt) => attempt.epoch > after)
}

function isOver(task: TaskView, epoch: number): boolean {
  return (
    hasEnded(task) || task.attempts.some((attempt) => attempt.epoch > epoch || (attempt.epoch === epoch && attempt.outcome !== 'running'))
  )
}
