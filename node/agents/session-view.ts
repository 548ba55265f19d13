// A session as people see it. Pure: tasks, records and the state of members in, the shape of the REST API out. What is shown as working
// is what a living worker proves of a run that it holds; everything else is said to be something else.
import type { SessionView } from '../../protocols/http/sessions.ts'
import type { WaitingView } from '../../protocols/http/views.ts'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { SessionRecord } from '../../protocols/agents/session-records.ts'
import type { SessionStateName } from '../../protocols/agents/session-states.ts'
import { hlcToMs } from '../kernel/hlc.ts'
import type { TaskState } from '../tasks/fold/fold.ts'
import { NO_TOKENS } from './driver.ts'
import type { SessionBook } from './session-book.ts'
import { branchOf } from './session-folder.ts'

export type SessionContext = {
  book: Pick<SessionBook, 'record' | 'newest' | 'orders'>
  nameOf(peer: PeerId): string
  isAlive(peer: PeerId): boolean
  waiting(state: TaskState): WaitingView | undefined
}
type Reason = NonNullable<SessionView['reason']>
type Standing = { state: SessionStateName; reason?: Reason; worker?: PeerId; record?: SessionRecord }

/** @param tasks of the session, oldest first; undefined where the first has not arrived yet */
export function sessionView(tasks: readonly TaskState[], context: SessionContext): SessionView | undefined {
  const first = tasks[0]
  const last = tasks.at(-1)
  if (first?.task?.spec.agent === undefined || last?.task === undefined) return undefined
  const { spec, author, createdAt } = first.task
  const { state, reason, worker, record = context.book.newest(first.id) } = standingOf(first.id, last, context)
  const open = state === 'working' || state === 'waiting' || state === 'idle'
  const taken = new Set(record?.taken)
  const budgetUsd = last.task.spec.agent?.budgetUsd
  const optional = {
    reason,
    name: spec.name,
    model: record?.model ?? spec.agent?.model,
    version: record?.version,
    agentSession: record?.agentSession,
    worker,
    workerName: worker === undefined ? undefined : context.nameOf(worker),
    repo: spec.repo,
    ref: spec.ref,
    branch: spec.repo === undefined ? undefined : branchOf(first.id),
    base: record?.base,
    commit: record?.commit,
    budgetUsd,
    said: record?.said,
    limitedUntil: record?.limitedUntil,
    saved: savedOf(record, context),
  }
  return {
    id: first.id,
    state,
    prompt: spec.agent?.prompt ?? '',
    driver: spec.agent?.driver ?? '',
    onLoss: spec.agent?.onLoss ?? 'wait',
    author,
    authorName: context.nameOf(author),
    turns: record?.turns ?? 0,
    tokens: record?.tokens ?? NO_TOKENS,
    costUsd: record?.costUsd ?? 0,
    files: record?.files ?? [],
    asks: open ? (record?.asks ?? []) : [],
    decided: (record?.decided ?? []).map(({ request, allow, by, at, note }) => ({
      request,
      allow,
      by,
      at,
      ...(note === undefined ? {} : { note }),
    })),
    refused: record?.refused ?? [],
    createdAt,
    updatedAt: Math.max(record?.at ?? 0, hlcToMs(last.updated)),
    tasks: tasks.map(({ id }) => id),
    pending: context.book.orders(first.id).filter(({ id }) => !taken.has(id)).length,
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as object),
  }
}

function standingOf(session: TaskId, last: TaskState, context: SessionContext): Standing {
  const { value } = last
  const attempt = [...last.attempts.values()].filter(({ holder }) => holder !== undefined).sort((a, b) => b.epoch - a.epoch)[0]
  const worker = attempt?.holder
  const own = worker === undefined ? undefined : context.book.record(session, worker)
  const record = own?.task === last.id && own.epoch === attempt?.epoch ? own : undefined
  const known = { ...(worker === undefined ? {} : { worker }), ...(record === undefined ? {} : { record }) }
  if (value.state === 'settled') return { ...known, ...endingOf(last, record) }
  if (value.state !== 'held' || worker === undefined) return { ...known, ...waitingOf(last, context) }
  if (!context.isAlive(worker))
    return {
      ...known,
      state: 'interrupted',
      reason: {
        code: 'worker-unreachable',
        message: `Its worker ${context.nameOf(worker)} cannot be reached.`,
        cure: goesOn(last, record),
      },
    }
  if (record === undefined || isEnd(record.state)) return { ...known, state: record === undefined ? 'starting' : 'idle' }
  return { ...known, state: record.state, ...(record.reason === undefined ? {} : { reason: record.reason }) }
}

function savedOf(record: SessionRecord | undefined, { nameOf }: SessionContext): SessionView['saved'] {
  if (record?.save === undefined) return undefined
  const { at, size, after, kept } = record.save
  return { at, bytes: size, ...(after === undefined ? {} : { after }), on: kept.map(nameOf) }
}

function goesOn(last: TaskState, record: SessionRecord | undefined): string {
  if (record?.save === undefined) return 'It goes on when its worker is back; nothing of it is lost.'
  return last.task?.spec.agent?.onLoss === 'move'
    ? 'Another worker goes on in a moment with what it saved.'
    : 'It goes on when its worker is back; nimbus session move ID WORKER goes on elsewhere with what it saved.'
}

function endingOf({ value }: TaskState, record: SessionRecord | undefined): { state: SessionStateName; reason?: Reason } {
  if (record !== undefined && isEnd(record.state))
    return { state: record.state, ...(record.reason === undefined ? {} : { reason: record.reason }) }
  if (value.end === 'succeeded') return { state: 'done' }
  if (value.end === 'cancelled') return { state: 'interrupted', reason: { code: 'cancelled', message: 'It was cancelled.' } }
  const { error, exitCode, signal } = value.outcome ?? {}
  return {
    state: 'failed',
    reason: {
      code: 'run-failed',
      message: error ?? `Its process ended with ${exitCode ?? signal ?? 'no code'}.`,
      cure: 'nimbus task logs TASK shows what was written.',
    },
  }
}

function waitingOf(last: TaskState, context: SessionContext): { state: SessionStateName; reason?: Reason } {
  const waiting = context.waiting(last)
  if (waiting === undefined) return { state: 'starting' }
  const { code, message, cure } = waiting
  return { state: 'starting', reason: { code, message, ...(cure === undefined ? {} : { cure }) } }
}

function isEnd(state: SessionStateName): boolean {
  return state === 'done' || state === 'failed' || state === 'interrupted'
}
