// How many tasks are in which state, each a way to those tasks.
import type { TaskStateName } from '../../../../protocols/http/views.ts'
import { TASK_STATES } from '../../models/task-facts.ts'
import { StateMark } from '../../parts/state-mark.tsx'

const numberFormat = new Intl.NumberFormat('en')

export function StateCounts(props: { counts: Partial<Record<TaskStateName, number>> }) {
  return (
    <ul class="counts" aria-label="Tasks by state">
      {TASK_STATES.map((state) => {
        const count = props.counts[state] ?? 0
        return (
          <li key={state} class={count === 0 ? 'none' : ''}>
            <a href={`/tasks?state=${state}`}>
              <span class="count number">{numberFormat.format(count)}</span>
              <StateMark state={state} />
            </a>
          </li>
        )
      })}
    </ul>
  )
}
