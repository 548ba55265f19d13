// Which tasks carry which session: a session is the task that began it and those that go on with it. And who waits for a change of one.
import type { TaskId } from '../../../protocols/ids.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'

export type SessionChains = {
  /** @returns the session that this task carries, where it does */
  note(state: TaskState): TaskId | undefined
  /** Oldest first. */
  tasksOf(session: TaskId): TaskId[]
  /** Newest first. */
  sessions(): TaskId[]
  changed(session: TaskId): void
  /** Settles at the next change, or when the signal fires. */
  next(session: TaskId, signal: AbortSignal): Promise<void>
}

export function createSessionChains(): SessionChains {
  /** Each task and how many came before it. */
  const chains = new Map<TaskId, Map<TaskId, number>>()
  const waiters = new Map<TaskId, Set<() => void>>()
  return {
    note({ id, task }) {
      const agent = task?.spec.agent
      if (task === undefined || agent === undefined) return undefined
      const session = agent.session ?? id
      const tasks = chains.get(session) ?? new Map<TaskId, number>()
      chains.set(session, tasks.set(id, agent.run ?? 0))
      return session
    },
    tasksOf: (session) =>
      [...(chains.get(session) ?? [])].sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1)).map(([id]) => id),
    sessions: () => [...chains.keys()].sort((a, b) => (a < b ? 1 : -1)),
    changed(session) {
      for (const wake of waiters.get(session) ?? []) wake()
    },
    next(session, signal) {
      return new Promise((resolve) => {
        const all = waiters.get(session) ?? new Set()
        waiters.set(session, all)
        const wake = (): void => {
          all.delete(wake)
          if (all.size === 0) waiters.delete(session)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        all.add(wake)
        signal.addEventListener('abort', wake)
        if (signal.aborted) wake()
      })
    },
  }
}
