// The attempts of a task on one time axis: how long it waited, where each attempt ran, how it ended.
import type { AttemptView, TaskView } from '../../../../protocols/http/views.ts'
import { endText, hasEnded } from '../../models/task-facts.ts'
import { clockText, fullTimeText } from '../../models/text/durations.ts'
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Lasting } from '../../parts/times.tsx'

/** Older attempts of a task that fails again and again are counted, not drawn. */
const SHOWN = 20

export function Attempts(props: { task: TaskView }) {
  const { task } = props
  const shown = task.attempts.slice(-SHOWN)
  const hidden = task.attempts.length - shown.length
  if (shown.length === 0) return <p class="muted quiet-line">No attempt has started.</p>
  return (
    <>
      {hidden > 0 && <p class="muted">{hidden} earlier attempts are not shown.</p>}
      <table class="table attempts">
        <thead>
          <tr>
            <th>Outcome</th>
            <th>Worker</th>
            <th>Started</th>
            <th class="right">Took</th>
            <th class="wide-only">
              <span class="off-screen">On the time axis</span>
            </th>
            <th>End</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((attempt) => (
            <tr key={attempt.epoch}>
              <td class="cell-state">
                <StateMark state={attempt.outcome} />
              </td>
              <td class="main">
                <a href={`/workers/${attempt.worker}`}>{attempt.workerName}</a>{' '}
                <span class="muted number" title="The fencing token of this attempt">
                  epoch {attempt.epoch}
                </span>
              </td>
              <td data-name="Started" class="number">
                <time dateTime={new Date(attempt.startedAt).toISOString()} title={fullTimeText(attempt.startedAt)}>
                  {clockText(attempt.startedAt)}
                </time>
              </td>
              <td data-name="Took" class="right number">
                <Lasting from={attempt.startedAt} to={attempt.endedAt} />
              </td>
              <td class="wide-only axis-cell">
                <Span task={task} attempt={attempt} />
              </td>
              <td data-name="End">{attempt.outcome === 'lost' ? 'worker lost, not counted' : endText(attempt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}

function Span(props: { task: TaskView; attempt: AttemptView }) {
  const { task, attempt } = props
  const { clock } = usePage()
  const end = hasEnded(task.state) ? (task.result?.endedAt ?? task.updatedAt) : clock.now.value
  const whole = Math.max(1, end - task.createdAt)
  const from = Math.max(0, (attempt.startedAt - task.createdAt) / whole)
  const share = Math.max(0.012, ((attempt.endedAt ?? end) - attempt.startedAt) / whole)
  return (
    <span class="axis" aria-hidden="true">
      <i
        class={`span-${attempt.outcome}`}
        style={{ insetInlineStart: `${Math.min(98.8, from * 100)}%`, inlineSize: `${Math.min(100, share * 100)}%` }}
      />
    </span>
  )
}
