// Tools for work: publish a task, wait for it, read how it ended.
import * as z from 'zod'
import type { TaskView } from '../../../../protocols/http/views.ts'
import { longWait, WAIT_SECONDS_MAX } from '../long-wait.ts'
import type { MeshTool, ToolRun } from '../tool.ts'
import { meshTool } from '../tool.ts'

const LOG_BYTES_MAX = 16 * 1024
const taskId = z.string().regex(/^[0-9a-hjkmnp-tv-z]{26}$/, 'a task ID, as publish_task gives it')
const word = z.string().min(1).max(128)
const ENDED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'dead', 'cancelled'])

const publishInput = z.strictObject({
  command: z.array(z.string().max(32_768)).min(1).max(256).describe('the program and its arguments, one each; no shell is between'),
  name: z.string().max(200).optional(),
  repo: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .optional()
    .describe('cloned into the folder where the command runs'),
  ref: z.string().min(1).max(256).optional(),
  worker: word.optional().describe('only this worker, by name'),
  skills: z.array(word).max(32).optional(),
  role: word.optional(),
  pool: word.optional(),
  env: z.record(z.string().max(256), z.string().max(4096)).optional(),
  timeout: z
    .string()
    .regex(/^\d+(ms|s|m|h)$/)
    .optional()
    .describe('as 30s or 10m'),
  attempts: z.int().min(1).max(10).default(1),
  after: z.array(taskId).max(100).optional().describe('tasks that have to succeed first'),
  artifacts: z.array(z.string().min(1).max(512)).max(16).optional().describe('files to keep, as globs'),
  budget_usd: z.number().min(0).max(10_000).optional(),
  request: z.string().min(1).max(128).optional().describe('a name of your own: the same name again publishes nothing new'),
})

export const TASK_TOOLS: readonly MeshTool[] = [
  meshTool({
    name: 'publish_task',
    title: 'Publish a task',
    description: 'Runs a command on a worker of the mesh that fits. Returns at once with its ID; wait_task waits for its end.',
    verb: 'task.publish',
    input: publishInput,
    readOnly: false,
    async run({ command, role, budget_usd, request, ...rest }, { call, signal, task }) {
      const body = {
        ...rest,
        argv: command,
        ...(role === undefined ? {} : { roles: [role] }),
        ...(budget_usd === undefined ? {} : { budgetUsd: budget_usd }),
        ...(request === undefined ? {} : { dedupe: `${task ?? 'mcp'}/${request}` }),
      }
      const { id, durability, duplicate } = (await call('POST', '/api/tasks', { body, signal })) as Record<string, unknown>
      return { task: id, safe: durability === 'majority', ...(duplicate === true ? { duplicate } : {}) }
    },
  }),
  meshTool({
    name: 'wait_task',
    title: 'Wait for a task',
    description: 'Waits until a task has ended, at most timeout_seconds. Where it has not ended by then, `ended` is false: call again.',
    verb: 'task.read',
    input: z.strictObject({ task: taskId, timeout_seconds: z.int().min(1).max(WAIT_SECONDS_MAX).default(30) }),
    readOnly: true,
    async run({ task, timeout_seconds }, run) {
      const path = `/api/tasks/${task}`
      const ended = (await longWait(run, timeout_seconds, `task ${task} has not ended`, (signal) =>
        run.call('GET', `${path}/wait`, { signal }),
      )) as TaskView | undefined
      const view = ended ?? ((await run.call('GET', path, { signal: run.signal })) as TaskView)
      return { ended: ENDED.has(view.state), ...summaryOf(view) }
    },
  }),
  meshTool({
    name: 'task_result',
    title: 'Result of a task',
    description: 'State, exit code, end of the output and artifacts of a task; with log also up to 16 kB of its output.',
    verb: 'task.read',
    input: z.strictObject({ task: taskId, log: z.boolean().default(false) }),
    readOnly: true,
    async run({ task, log }, run) {
      const view = (await run.call('GET', `/api/tasks/${task}`, { signal: run.signal })) as TaskView
      return { ...summaryOf(view), ...(log ? { log: await logOf(view, run) } : {}) }
    },
  }),
]

function summaryOf({ id, state, result, waiting, progress, attempts }: TaskView): object {
  const { exitCode, error, tail, artifacts, costUsd } = result ?? {}
  return {
    task: id,
    state,
    worker: attempts.at(-1)?.workerName,
    exitCode,
    error,
    costUsd,
    // Output of a command: it may hold anything.
    output_end: tail,
    artifacts: artifacts?.map(({ path, hash, size }) => ({ path, hash, size })),
    waiting: waiting === undefined ? undefined : { why: waiting.message, cure: waiting.cure },
    progress: progress?.message,
  }
}

/** The end of its output. */
async function logOf({ id, result }: TaskView, { call, signal }: ToolRun): Promise<object> {
  const size = result?.log?.size ?? 0
  const from = Math.max(0, size - LOG_BYTES_MAX)
  const text = String(await call('GET', `/api/tasks/${id}/log?from=${from}`, { signal, accept: 'text/plain' }))
  return { from, text: text.slice(0, LOG_BYTES_MAX) }
}
