// What needs a person now, each with the place to act and, for a failed task, a retry at hand.
import type { Need } from '../../models/needs.ts'
import { StateMark, type ShownState } from '../../parts/state-mark.tsx'
import { usePage } from '../../parts/page-context.ts'
import { Age } from '../../parts/times.tsx'
import { retryTask } from '../tasks/task-actions.tsx'

const NEEDS_SHOWN = 8

export function NeedsList(props: { needs: readonly Need[] }) {
  const page = usePage()
  if (props.needs.length === 0) return null
  const hidden = props.needs.length - NEEDS_SHOWN
  return (
    <section aria-labelledby="needs">
      <h2 id="needs">Needs you</h2>
      <ul class="rows needs">
        {props.needs.slice(0, NEEDS_SHOWN).map((need) => (
          <li key={need.key} class={`need need-${need.kind}`}>
            <StateMark
              state={need.state as ShownState}
              label={need.kind === 'question' ? 'waits for you' : need.kind === 'worker' && need.state === 'dead' ? 'offline' : undefined}
              bare
            />
            <div class="row-main">
              <a href={need.href} class="row-title">
                {need.title}
              </a>
              <span class="row-text">{need.text}</span>
            </div>
            <span class="muted number">{need.kind !== 'mesh' && <Age time={need.since} />}</span>
            {need.taskId === undefined ? null : (
              <button type="button" class="small" onClick={() => void retryTask(page, need.taskId as string)}>
                Retry
              </button>
            )}
          </li>
        ))}
      </ul>
      {hidden > 0 && <a href="/tasks?state=failed">and {hidden} more</a>}
    </section>
  )
}
