// The tasks that carry a session, as they are published: the first one from what people ask for, the next ones from the one before.
import type { SessionRequest, SessionView } from '../../protocols/http/sessions.ts'
import type { TaskRequest } from '../../protocols/http/task-request.ts'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { AgentSpec, TaskSpec } from '../../protocols/tasks/task-spec.ts'
import { parseDuration } from '../kernel/durations.ts'
import { NimbusError } from '../kernel/errors.ts'
import { specOf } from '../tasks/task-spec.ts'

/**
 * A task that goes on with a session where its folder is, when the task before it is over; one at a time. Where that worker is lost,
 * another one may take it if the session is of those that move.
 */
export function followUp(spec: TaskSpec, { id, tasks, worker }: Pick<SessionView, 'id' | 'tasks' | 'worker'>): TaskSpec {
  const session = id as TaskId
  const { after: _after, dedupe: _dedupe, worker: _worker, ...rest } = spec
  const agent = { ...(spec.agent as AgentSpec), session, run: (spec.agent?.run ?? 0) + 1 }
  const moves = agent.onLoss === 'move'
  return {
    ...rest,
    agent: moves && worker !== undefined ? { ...agent, home: worker as PeerId } : agent,
    after: [tasks.at(-1) as TaskId],
    afterAny: true,
    concurrency: [{ key: `session/${session}`, limit: 1 }],
    ...(worker === undefined || moves ? {} : { worker }),
  }
}

const AGENT_FIELDS = [
  'prompt',
  'driver',
  'command',
  'model',
  'budgetUsd',
  'allow',
  'ask',
  'deny',
  'permission',
  'network',
  'sandbox',
  'onLoss',
  'session',
] as const

/** @throws NimbusError `loss-unclear` */
export function specFor(asked: SessionRequest, wallMs: number): TaskSpec {
  assertLoss(asked)
  const { idle, silentTimeout, freeMemoryMb, ...request } = asked
  const ms = (value: string | number | undefined): number | undefined => (typeof value === 'string' ? parseDuration(value) : value)
  const fields: Record<string, unknown> = {
    onLoss: asked.worker === undefined ? 'move' : 'wait',
    idleMs: ms(idle),
    silentMs: ms(silentTimeout),
  }
  const rest: Record<string, unknown> = { ...request }
  for (const field of AGENT_FIELDS) {
    fields[field] = rest[field] ?? fields[field]
    delete rest[field]
  }
  const agent = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  const task = { argv: [], attempts: 1, ...rest, kind: 'agent', resources: { freeMemoryMb }, agent }
  return specOf(task as unknown as TaskRequest, wallMs)
}

/** Whoever names a worker means that one. */
function assertLoss({ worker, onLoss }: SessionRequest): void {
  if (worker === undefined || onLoss !== 'move') return
  throw new NimbusError('loss-unclear', `A session that names its worker (${worker}) waits for it when it is lost.`, {
    kind: 'usage',
    cure: 'Say --pool, --role or --skill instead of --worker, or move it by hand: nimbus session move ID WORKER.',
  })
}
