// Knows the newest state of one task: by the event stream, and by asking now and then in case the stream is cut. Lives
// through a restart of the node that it asks.
import type { EventView, TaskView } from '../../../protocols/http/views.ts'
import type { Clock } from '../../kernel/clock.ts'
import { sleep } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Client } from '../client.ts'

export type TaskWatcher = {
  current(): TaskView
  /** Resolves with the first state that `wanted` accepts; rejects when the node is away for too long. */
  until(wanted: (task: TaskView) => boolean): Promise<TaskView>
  stop(): void
}

/** Also without an event the task is asked for this often: an event lost must not hang a wait. */
const POLL_MS = 2000
const RETRY_MS = 500
/** A node that restarts is back within this time. */
const AWAY_MS_MAX = 30_000

type Waiter = { wanted: (task: TaskView) => boolean; resolve: (task: TaskView) => void; reject: (error: unknown) => void }

/** @param onChange hears every state that is seen, also those between two that somebody waits for */
export async function watchTask(
  client: Client,
  id: string,
  clock: Clock,
  onChange: (task: TaskView) => void = () => {},
): Promise<TaskWatcher> {
  const path = `/api/tasks/${encodeURIComponent(id)}`
  const stopped = new AbortController()
  const waiters = new Set<Waiter>()
  let task = await client.get<TaskView>(path)
  let failure: { error: unknown } | undefined
  let seenAt = clock.nowMs()

  const settle = () => {
    onChange(task)
    for (const waiter of waiters) {
      if (failure !== undefined) waiter.reject(failure.error)
      else if (waiter.wanted(task)) waiter.resolve(task)
      else continue
      waiters.delete(waiter)
    }
  }
  const refresh = async () => {
    try {
      task = await client.get<TaskView>(path)
      seenAt = clock.nowMs()
    } catch (error) {
      const away = error instanceof NimbusError && (error.kind === 'unreachable' || error.kind === 'busy')
      if (!away || clock.nowMs() - seenAt > AWAY_MS_MAX) failure = { error }
    }
    settle()
  }
  const listen = async () => {
    while (!stopped.signal.aborted && failure === undefined) {
      try {
        for await (const event of client.events<EventView>(
          `/api/events?types=task.updated&entity=${encodeURIComponent(id)}`,
          stopped.signal,
        )) {
          if (event === undefined || event.type !== 'task.updated')
            await refresh() // opened, or a gap
          else {
            task = event.data as TaskView
            seenAt = clock.nowMs()
            settle()
          }
        }
      } catch {
        // The stream is an accelerator only: polling finds what it misses, and finds why it failed.
      }
      await sleep(clock, RETRY_MS)
    }
  }
  const poll = async () => {
    while (!stopped.signal.aborted && failure === undefined) {
      await sleep(clock, POLL_MS)
      if (!stopped.signal.aborted) await refresh()
    }
  }
  void listen()
  void poll()
  return {
    current: () => task,
    until: (wanted) =>
      new Promise((resolve, reject) => {
        waiters.add({ wanted, resolve, reject })
        settle()
      }),
    stop: () => stopped.abort(),
  }
}

export function hasEnded(task: TaskView): boolean {
  return ['succeeded', 'failed', 'dead', 'cancelled'].includes(task.state) && task.provisional !== true
}
