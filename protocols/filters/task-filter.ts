// What a filter can ask of a task. Node and page read the same keys from their own facts, so that live changes and fetched
// pages agree.
import type { Facts, FilterKeys } from './filter.ts'

export const TASK_KEYS = {
  state: ['blocked', 'scheduled', 'ready', 'running', 'succeeded', 'failed', 'dead', 'cancelled'],
  is: ['open', 'ended', 'retry'],
  kind: 'text',
  name: 'text',
  worker: 'text',
  author: 'text',
  pool: 'text',
  skill: 'text',
  role: 'text',
  label: 'text',
  repo: 'text',
  priority: 'number',
  attempts: 'number',
  exit: 'number',
  age: 'duration',
} as const satisfies FilterKeys

const ENDED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'dead', 'cancelled'])

export type FilteredTask = {
  id: string
  state: string
  spec: {
    argv: readonly string[]
    kind?: unknown
    name?: unknown
    pool?: unknown
    skills?: unknown
    roles?: unknown
    labels?: unknown
    repo?: unknown
    worker?: unknown
    priority?: unknown
    retryOf?: unknown
  }
  author: string
  authorName: string
  createdAt: number
  attempts: readonly { worker: string; workerName: string }[]
  exitCode: number | undefined
}

/** @param now milliseconds since 1970 */
export function taskFacts(task: FilteredTask, now: number): Facts {
  return {
    text: () => `${task.id} ${textOf(task.spec.name)} ${task.spec.argv.join(' ')}`.toLowerCase(),
    of(key) {
      return isTaskKey(key) ? READ[key](task, now) : []
    },
  }
}

type TaskKey = keyof typeof TASK_KEYS
const READ: Record<TaskKey, (task: FilteredTask, now: number) => readonly (string | number)[]> = {
  state: ({ state }) => [state],
  is: ({ state, spec }) => [ENDED.has(state) ? 'ended' : 'open', ...(typeof spec.retryOf === 'string' ? ['retry'] : [])],
  kind: ({ spec }) => texts(spec.kind ?? 'shell'),
  name: ({ spec }) => texts(spec.name),
  worker: ({ attempts }) => attempts.flatMap(({ worker, workerName }) => [worker, workerName]),
  author: ({ author, authorName }) => [author, authorName],
  pool: ({ spec }) => texts(spec.pool),
  skill: ({ spec }) => texts(spec.skills),
  role: ({ spec }) => texts(spec.roles),
  label: ({ spec }) => Object.entries(spec.labels ?? {}).map(([name, value]) => `${name}=${value}`),
  repo: ({ spec }) => texts(spec.repo),
  priority: ({ spec }) => [typeof spec.priority === 'number' ? spec.priority : PRIORITY_DEFAULT],
  attempts: ({ attempts }) => [attempts.length],
  exit: ({ exitCode }) => (exitCode === undefined ? [] : [exitCode]),
  age: ({ createdAt }, now) => [now - createdAt],
}
const PRIORITY_DEFAULT = 5

function isTaskKey(key: string): key is TaskKey {
  return Object.hasOwn(READ, key)
}

function texts(value: unknown): string[] {
  if (Array.isArray(value)) return value.filter((one) => typeof one === 'string')
  return typeof value === 'string' ? [value] : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
