// What happened between two moments: attempts of tasks, and inside them clones, steps of builds, turns and tool calls of agents.
import type { BuildDetail } from '../../../../protocols/builds/build-views.ts'
import type { SessionMessage } from '../../../../protocols/http/sessions.ts'
import type { AttemptView, TaskView } from '../../../../protocols/http/views.ts'
import { tryCommand, tryOutcome } from '../code/build-facts.ts'
import { specOf, titleOf } from '../task-facts.ts'
import { inertText } from '../text/inert-text.ts'

export type SpanKind = 'run' | 'build' | 'session' | 'clone' | 'step' | 'turn' | 'tool'
/** `end` is undefined while it goes on. `level`: 0 stands in a lane of its own, what is inside of it above 0. */
export type Span = {
  key: string
  task: string
  epoch: number
  kind: SpanKind
  level: 0 | 1 | 2
  state: AttemptView['outcome']
  start: number
  end: number | undefined
  title: string
  href: string
  tags: Tags
}
/** What rows can be made of. */
export type Tags = { worker: string; pool: string; kind: string; repository: string; author: string; labels: Record<string, string> }

export function spansOfTask(task: TaskView): Span[] {
  const spec = specOf(task)
  const kind: SpanKind = spec.kind === 'build' ? 'build' : spec.kind === 'agent' ? 'session' : 'run'
  const title = titleOf(task)
  return task.attempts.flatMap((attempt): Span[] => {
    const { epoch, workerName, startedAt: start, outcome: state } = attempt
    const tags = {
      worker: workerName,
      pool: spec.pool ?? 'no pool',
      kind,
      repository: spec.repo ?? 'no repository',
      author: task.authorName,
      labels: spec.labels ?? {},
    }
    const end = attempt.endedAt ?? (state === 'running' ? undefined : start)
    const whole: Span = {
      key: `${task.id}/${epoch}`,
      task: task.id,
      epoch,
      kind,
      level: 0,
      state,
      start,
      end,
      title,
      tags,
      href: `/tasks/${task.id}`,
    }
    const isCloning = state === 'running' && task.progress?.phase === 'cloning'
    return isCloning ? [whole, inside(whole, { key: 'clone', kind: 'clone', state: 'running', start, title: 'clone' })] : [whole]
  })
}

/** The steps of a build's last attempt; what came before the first of them was the clone, and looking for the plan. */
export function spansOfBuild(whole: Span, build: Pick<BuildDetail, 'tries'>): Span[] {
  const steps = build.tries.map((one, at) =>
    inside(whole, {
      key: `step ${at}`,
      kind: 'step',
      state: tryOutcome(one),
      start: one.startedAt,
      end: one.endedAt,
      title: tryCommand(one),
    }),
  )
  const [first] = steps
  if (first === undefined || first.start <= whole.start) return steps
  return [
    inside(whole, { key: 'clone', kind: 'clone', state: 'succeeded', start: whole.start, end: first.start, title: 'clone and plan' }),
    ...steps,
  ]
}

/** Turns and the tool calls in them, as far as the session said them. */
export function spansOfSession(whole: (epoch: number) => Span | undefined, messages: readonly SessionMessage[]): Span[] {
  const spans: Span[] = []
  const calls = new Map<string, Span>()
  let turn: Span | undefined
  for (const { epoch, at, event } of messages) {
    const attempt = whole(epoch)
    if (attempt === undefined) continue
    const text = (name: string) => (typeof event[name] === 'string' ? inertText(event[name]).slice(0, 80) : '')
    if (event.type === 'prompt') {
      turn = inside(attempt, { key: `turn ${at}`, kind: 'turn', state: 'running', start: event.time, title: text('text') || 'turn' })
      spans.push(turn)
    } else if (event.type === 'turn' && turn !== undefined) {
      Object.assign(turn, { end: event.time, state: event['result'] === 'success' ? 'succeeded' : 'failed' })
      turn = undefined
    } else if (event.type === 'tool') {
      const span = inside(attempt, { key: `tool ${at}`, kind: 'tool', state: 'running', start: event.time, title: text('tool') }, 2)
      calls.set(text('call'), span)
      spans.push(span)
    } else if (event.type === 'tool-result') {
      const span = calls.get(text('call'))
      if (span) Object.assign(span, { end: event.time, state: event['ok'] === true ? 'succeeded' : 'failed' })
      calls.delete(text('call'))
    }
  }
  // What never said its end ended with its attempt.
  for (const span of spans) if (span.end === undefined) span.end = whole(span.epoch)?.end
  return spans
}

type Inside = Pick<Span, 'key' | 'kind' | 'state' | 'start' | 'title'> & { end?: number }

function inside(whole: Span, part: Inside, level: 1 | 2 = 1): Span {
  return { ...whole, end: undefined, ...part, level, key: `${whole.key}/${part.key}` }
}
