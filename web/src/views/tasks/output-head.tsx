// Above an output: how much there is, whether it is live, which attempt, how it is shown.
import type { AttemptView, TaskView } from '../../../../protocols/http/views.ts'
import type { Output } from '../../models/output.ts'
import { usePage } from '../../parts/page-context.ts'

type Props = { task: TaskView; attempt: AttemptView | undefined; output: Output; choose: (epoch: number | undefined) => void }

export function OutputHead(props: Props) {
  const { dashboard, preferences } = usePage()
  const { task, attempt, output } = props
  const count = output.lineCount.value
  const away = attempt?.outcome === 'running' && dashboard.fleet.find(attempt.worker)?.state === 'dead'
  return (
    <header>
      <h2 id="output">Output</h2>
      <span class="muted number">{count > 0 && `${count.toLocaleString('en')} ${count === 1 ? 'line' : 'lines'}`}</span>
      <span class="muted" role="status">
        {standing(output, attempt, away)}
      </span>
      <span class="spacer" />
      {attempt !== undefined && task.attempts.length > 1 && <AttemptChoice task={task} epoch={attempt.epoch} choose={props.choose} />}
      <label class="check">
        <input
          type="checkbox"
          checked={preferences.wrapOutput.value}
          onChange={(event) => (preferences.wrapOutput.value = event.currentTarget.checked)}
        />{' '}
        Wrap
      </label>
      {attempt !== undefined && (
        <a class="button small" href={`/logs/${task.id}?attempt=${attempt.epoch}`}>
          Search
        </a>
      )}
      {attempt !== undefined && (
        <a class="button small" href={dashboard.transport.logAddress(task.id, attempt.epoch)} download={`${task.id}.log`}>
          Download
        </a>
      )}
    </header>
  )
}

function standing(output: Output, attempt: AttemptView | undefined, away: boolean): string {
  if (away) return 'its worker is offline'
  if (output.state.value === 'reconnecting') return 'connection lost, trying again'
  return output.state.value === 'reading' && attempt !== undefined && attempt.endedAt === undefined ? 'live' : ''
}

/** The newest attempt is followed unless an earlier one is chosen. */
function AttemptChoice(props: { task: TaskView; epoch: number; choose: (epoch: number | undefined) => void }) {
  const { attempts } = props.task
  function choose(epoch: number) {
    props.choose(epoch === attempts.at(-1)?.epoch ? undefined : epoch)
  }
  return (
    <select aria-label="Attempt whose output is shown" value={props.epoch} onChange={(event) => choose(Number(event.currentTarget.value))}>
      {attempts.map((attempt) => (
        <option key={attempt.epoch} value={attempt.epoch}>
          {attempt.workerName}, {attempt.outcome}, epoch {attempt.epoch}
        </option>
      ))}
    </select>
  )
}
