// The signed form of what a client asks for: milliseconds, and no key that says nothing. Pure.
import type { TaskRequest } from '../../protocols/http/task-request.ts'
import type { TaskId } from '../../protocols/ids.ts'
import { NAME_PLACES_MAX, TASK_BYTES_MAX } from '../../protocols/limits.ts'
import type { TaskSpec } from '../../protocols/records.ts'
import { parseDuration } from '../kernel/durations.ts'
import { NimbusError } from '../kernel/errors.ts'

/** Request fields that carry a duration, and what they are called when signed. */
const DURATIONS = {
  timeout: 'timeoutMs',
  queueTimeout: 'queueTimeoutMs',
  startTimeout: 'startTimeoutMs',
  heartbeatTimeout: 'heartbeatTimeoutMs',
  backoff: 'backoffMs',
  backoffMax: 'backoffMaxMs',
  lostAfter: 'lostAfterMs',
} as const

/** @param batch the IDs of the tasks that are published together, for `afterIndex` */
export function specOf(request: TaskRequest, wallMs: number, batch: readonly TaskId[] = []): TaskSpec {
  const { delay, rate, after = [], afterIndex = [], ...rest } = request
  const spec: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(rest)) {
    if (value === undefined || (Array.isArray(value) && value.length === 0 && key !== 'argv')) continue
    if (key in DURATIONS) spec[DURATIONS[key as keyof typeof DURATIONS]] = durationMs(value as string | number)
    else spec[key] = value
  }
  if (delay !== undefined) spec['notBefore'] = wallMs + durationMs(delay)
  if (rate !== undefined && rate.length > 0) spec['rate'] = rate.map(({ key, limit, per }) => ({ key, limit, perMs: durationMs(per) }))
  const before = [...after, ...afterIndex.map((index) => batchId(batch, index))]
  if (before.length > 0) spec['after'] = [...new Set(before)]
  assertKeys(request)
  const bytes = Buffer.byteLength(JSON.stringify(spec))
  if (bytes <= TASK_BYTES_MAX) return spec as TaskSpec
  throw new NimbusError('task-too-large', `The task is ${bytes} bytes; ${TASK_BYTES_MAX} is the limit, because every node keeps it.`, {
    kind: 'usage',
    cure: 'Put large input into the repository or a file.',
  })
}

function batchId(batch: readonly TaskId[], index: number): TaskId {
  const id = batch[index]
  if (id !== undefined) return id
  throw new NimbusError('after-unknown', `afterIndex ${index} is outside the batch of ${batch.length} tasks.`, {
    kind: 'usage',
    cure: 'Count the tasks of one request from 0.',
  })
}

function durationMs(value: string | number): number {
  return typeof value === 'string' ? (parseDuration(value) ?? 0) : value
}

/** A place needs a majority and is kept in one value: what cannot be had is refused before anybody waits for it. */
function assertKeys({ concurrency = [], rate = [], claim }: TaskRequest): void {
  const large = concurrency.find(({ limit }) => limit > NAME_PLACES_MAX)
  if (large !== undefined)
    throw new NimbusError(
      'concurrency-limit',
      `Concurrency key ${large.key} has the limit ${large.limit}; ${NAME_PLACES_MAX} is the highest.`,
      {
        kind: 'usage',
        cure: 'Use a lower limit, or leave the key out.',
      },
    )
  if (claim !== 'available' || (concurrency.length === 0 && rate.length === 0)) return
  throw new NimbusError(
    'concurrency-available',
    'A task with --claim available may run without a majority, so it can hold no key and count in no rate.',
    {
      kind: 'usage',
      cure: 'Leave out --claim available, or --concurrency and --rate.',
    },
  )
}
