// The five open tasks that matter most, each with where it stands: what it does, or why it does not run yet.
import type { TaskView } from '../../../../protocols/http/views.ts'
import { hasEnded, lastAttempt, specOf, titleOf } from '../../models/task-facts.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { sentence } from '../../models/text/sentences.ts'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Age } from '../../parts/times.tsx'
import { TaskProgress } from '../tasks/task-progress.tsx'

const SHOWN = 5
const PRIORITY_DEFAULT = 5

export function TopPriorities() {
  const { dashboard } = usePage()
  const top = topOf(dashboard.tasks.all.value)
  if (top.length === 0) return null
  return (
    <section aria-labelledby="priorities">
      <h2 id="priorities">
        <a href="/tasks?q=is:open">Top priorities</a>
      </h2>
      <ul class="rows">
        {top.map((task) => (
          <li key={task.id}>
            <StateMark state={task.state} bare />
            <div class="row-main">
              <a href={`/tasks/${task.id}`} class="row-title">
                {titleOf(task)}
              </a>
              <span class="row-text">
                priority {priorityOf(task)} · {standing(task)}
                <TaskProgress task={task} />
              </span>
            </div>
            <span class="muted number">
              <Age time={task.createdAt} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Highest first; of the same priority the one that waits longest. */
function topOf(tasks: readonly TaskView[]): TaskView[] {
  return tasks
    .filter((task) => !hasEnded(task.state) && specOf(task).kind !== 'question' && specOf(task).kind !== 'service')
    .toSorted((one, two) => priorityOf(two) - priorityOf(one) || one.createdAt - two.createdAt)
    .slice(0, SHOWN)
}

function priorityOf(task: TaskView): number {
  return specOf(task).priority ?? PRIORITY_DEFAULT
}

function standing(task: TaskView): string {
  if (task.waiting !== undefined) return sentence(inertText(task.waiting.message))
  const worker = task.state === 'running' ? lastAttempt(task)?.workerName : undefined
  return worker === undefined ? task.state : `runs on ${worker}`
}
