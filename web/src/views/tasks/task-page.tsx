// One task: how it stands and why, its attempts, its output, what was asked for.
import { useEffect, useState } from 'preact/hooks'
import type { TaskView } from '../../../../protocols/http/views.ts'
import { commandOf, endText, hasEnded, specOf, titleOf, usedAttempts } from '../../models/task-facts.ts'
import { durationText, fullTimeText } from '../../models/text/durations.ts'
import { sentence } from '../../models/text/sentences.ts'
import { ShortId } from '../../parts/copy.tsx'
import { Chips, Facts, PageHead } from '../../parts/facts.tsx'
import { Callout, EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Age, Lasting } from '../../parts/times.tsx'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import { Attempts } from './attempts.tsx'
import { OutputView } from './output-view.tsx'
import { TaskActions } from './task-actions.tsx'
import { TaskProgress } from './task-progress.tsx'

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
            {task.provisional && <span class="muted">not settled by the keepers yet</span>}
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
          <OutputView task={task} />
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

function TaskSide(props: { task: TaskView }) {
  const { task } = props
  const spec = specOf(task)
  const pairs = (of: Record<string, string> | undefined) => Object.entries(of ?? {}).map(([key, value]) => `${key}=${value}`)
  return (
    <section class="card side" aria-label="What was asked for">
      <Facts
        of={[
          ['ID', <ShortId id={task.id} what="the task ID" />],
          ['Priority', <span class="number">{spec.priority ?? 5}</span>],
          ['Attempts', <span class="number">{spec.attempts ?? 1}</span>],
          ['Time limit', spec.timeoutMs !== undefined && durationText(spec.timeoutMs)],
          ['Not before', spec.notBefore !== undefined && spec.notBefore > task.createdAt && fullTimeText(spec.notBefore)],
          ['Repository', spec.repo && <span class="break">{spec.repo}</span>],
          ['Ref', spec.ref],
          ['Worker', spec.worker],
          ['Pool', spec.pool],
          ['Skills', spec.skills?.length ? <Chips of={spec.skills} kind="skill" /> : undefined],
          ['Roles', spec.roles?.length ? <Chips of={spec.roles} kind="role" /> : undefined],
          ['Labels', spec.labels && <Chips of={pairs(spec.labels)} kind="label" />],
          [
            'Environment',
            spec.env && (
              <ul class="plain mono break">
                {pairs(spec.env).map((pair) => (
                  <li key={pair}>{pair}</li>
                ))}
              </ul>
            ),
          ],
          ['Retry of', spec.retryOf && <a href={`/tasks/${spec.retryOf}`}>{spec.retryOf.slice(0, 10)}…</a>],
          ['Keepers', `group ${task.group}`],
        ]}
      />
    </section>
  )
}
