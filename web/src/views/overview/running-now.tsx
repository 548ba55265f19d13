// The tasks that run now, longest first, with what they are doing.
import { lastAttempt, titleOf } from '../../models/task-facts.ts'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Lasting } from '../../parts/times.tsx'
import { TaskProgress } from '../tasks/task-progress.tsx'

const SHOWN = 8

export function RunningNow() {
  const { dashboard } = usePage()
  const running = dashboard.tasks.all.value.filter((task) => task.state === 'running')
  running.sort((one, two) => (lastAttempt(one)?.startedAt ?? 0) - (lastAttempt(two)?.startedAt ?? 0))
  const total = Math.max(running.length, dashboard.fleet.counts.value.running ?? 0)
  return (
    <section aria-labelledby="running">
      <h2 id="running">
        <a href="/tasks?state=running">Running</a>
        <span class="muted number">{total}</span>
      </h2>
      {running.length === 0 ? (
        <p class="muted quiet-line">
          Nothing runs now. Press <kbd>n</kbd> to publish a task.
        </p>
      ) : (
        <ul class="rows">
          {running.slice(0, SHOWN).map((task) => {
            const attempt = lastAttempt(task)
            return (
              <li key={task.id}>
                <StateMark state="running" bare />
                <div class="row-main">
                  <a href={`/tasks/${task.id}`} class="row-title">
                    {titleOf(task)}
                  </a>
                  <span class="row-text">
                    {attempt && <a href={`/workers/${attempt.worker}`}>{attempt.workerName}</a>}
                    {task.attempts.length > 1 && ` · attempt ${task.attempts.length}`}
                    <TaskProgress task={task} />
                  </span>
                </div>
                <span class="number muted">{attempt && <Lasting from={attempt.startedAt} />}</span>
              </li>
            )
          })}
        </ul>
      )}
    </section>
  )
}
