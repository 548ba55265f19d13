// One task: how it stands and why, its attempts, its output, what was asked for.
import { useEffect, useState } from 'preact/hooks'
import type { TaskView } from '../../../../protocols/http/views.ts'
import { commandOf, endText, hasEnded, specOf, titleOf, usedAttempts } from '../../models/task-facts.ts'
import { sentence } from '../../models/text/sentences.ts'
import { PageHead } from '../../parts/facts.tsx'
import { Callout, EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Age, Lasting } from '../../parts/times.tsx'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import { Attempts } from './attempts.tsx'
import { OutputView } from './output-view.tsx'
import { TaskActions } from './task-actions.tsx'
import { Artifacts, CameAfter } from './task-links.tsx'
import { TaskProgress } from './task-progress.tsx'
import { TaskSide } from './task-side.tsx'

export function TaskPage(props: { id: string }) {
  const { dashboard } = usePage()
  const [error, setError] = useState<ApiError>()
  const live = dashboard.stream.value.kind === 'live'
  useEffect(() => {
    // Also after a reconnection: this task may be older than what the list fetches again.
    dashboard.loadTask(props.id).then(
      () => setError(undefined),
      (thrown: unknown) => setError(asApiError(thrown)),
    )
  }, [props.id, live])
  void dashboard.tasks.all.value
  const task = dashboard.tasks.get(props.id)?.value
  if (task !== undefined) return <TaskDetail task={task} />
  if (error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  return error.status === 404 ? (
    <EmptyState title={`No task has the ID ${props.id}.`} command="nimbus task ls" />
  ) : (
    <ProblemNote error={error} what="The task could not be loaded." />
  )
}

function TaskDetail(props: { task: TaskView }) {
  const { task } = props
  const named = specOf(task).name !== undefined
  const lost = task.attempts.length - usedAttempts(task)
  return (
    <>
      <PageHead
        crumb={{ href: '/tasks', text: 'Tasks' }}
        title={named ? titleOf(task) : <span class="as-command">{titleOf(task)}</span>}
        lead={
          <>
            <StateMark state={task.state} />
            {task.result !== undefined && hasEnded(task.state) && <span>{endText(task.result)}</span>}
            {task.provisional && <span class="badge">provisional: not settled by the keepers yet</span>}
            {task.result?.costUsd !== undefined && <span class="number">${task.result.costUsd.toFixed(2)}</span>}
            <span class="muted">
              published by {task.authorName} <Age time={task.createdAt} suffix />
            </span>
          </>
        }
      >
        <TaskActions task={task} />
      </PageHead>
      {named && <pre class="command">{commandOf(task)}</pre>}
      <Standing task={task} />
      <div class="detail">
        <div class="stack">
          <section aria-labelledby="attempts">
            <h2 id="attempts">
              Attempts{' '}
              <span class="muted number">
                {usedAttempts(task)} of {specOf(task).attempts ?? 1}
                {lost > 0 && `, and ${lost} lost with a worker`}
              </span>
            </h2>
            <Attempts task={task} />
          </section>
          <Artifacts task={task} />
          <OutputView task={task} />
          <CameAfter task={task} />
        </div>
        <TaskSide task={task} />
      </div>
    </>
  )
}

/** Why it does not run, or what it is doing, with what to do about it. */
function Standing(props: { task: TaskView }) {
  const { dashboard } = usePage()
  const { task } = props
  if (task.cancelRequested && !hasEnded(task.state)) {
    return <Callout tone="warn" title="Cancel was asked for; the worker is ending it." />
  }
  if (task.waiting !== undefined && !hasEnded(task.state)) {
    const { code, message, cure, since } = task.waiting
    const needsNobody = cure === 'nothing to do'
    return (
      <Callout tone={needsNobody ? 'info' : 'warn'} title={sentence(message)}>
        {!needsNobody && <p class="cure">{sentence(cure)}</p>}
        {code !== 'scheduled' && (
          <p class="muted">
            Waiting for <Lasting from={since} />.
          </p>
        )}
      </Callout>
    )
  }
  const away = task.state === 'running' ? dashboard.fleet.find(task.attempts.at(-1)?.worker ?? '') : undefined
  if (away?.state === 'dead') {
    return (
      <Callout tone="warn" title={`${away.name}, which runs it, is offline.`}>
        <p class="cure">
          Another worker takes the task over as soon as one fits and is free. If none fits, start one that does, or start {away.name} again.
        </p>
      </Callout>
    )
  }
  const error = hasEnded(task.state) ? task.result?.error : undefined
  if (error !== undefined) return <Callout tone="bad" title={endText({ error })} />
  return <TaskProgress task={task} />
}
