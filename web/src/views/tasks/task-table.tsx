// Tasks in rows; on a narrow screen each row is a card. A row paints when its own task changes.
import type { TaskView } from '../../../../protocols/http/views.ts'
import { commandOf, endText, lastAttempt, specOf, titleOf, usedAttempts } from '../../models/task-facts.ts'
import { sentence } from '../../models/text/sentences.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Age, Lasting } from '../../parts/times.tsx'
import { TaskProgress } from './task-progress.tsx'

/** `of` names what the table is about: a worker's own table need not name the worker in each row. */
export function TaskTable(props: { tasks: readonly TaskView[]; of?: 'worker' }) {
  return (
    <table class={`table tasks ${props.of === 'worker' ? 'of-worker' : ''}`}>
      <thead>
        <tr>
          <th>State</th>
          <th>Task</th>
          <th class="col-worker">Worker</th>
          <th class="right">Attempt</th>
          <th class="right col-priority" title="9 is first, 0 is last">
            Priority
          </th>
          <th class="right">Took</th>
          <th class="right">Published</th>
        </tr>
      </thead>
      <tbody>
        {props.tasks.map((task) => (
          <TaskRow key={task.id} task={task} />
        ))}
      </tbody>
    </table>
  )
}

function TaskRow(props: { task: TaskView }) {
  const { task } = props
  const spec = specOf(task)
  const attempt = lastAttempt(task)
  return (
    <tr class={`task-${task.state}`}>
      <td class="cell-state">
        <StateMark state={task.state} />
      </td>
      <td class="main">
        <a href={`/tasks/${task.id}`}>{titleOf(task)}</a>
        <RowText task={task} />
      </td>
      <td data-name="Worker" class={`col-worker ${attempt === undefined && spec.worker === undefined ? 'usual' : ''}`}>
        {attempt === undefined ? (spec.worker ?? '–') : <a href={`/workers/${attempt.worker}`}>{attempt.workerName}</a>}
      </td>
      <td data-name="Attempt" class={`right number ${(spec.attempts ?? 1) === 1 ? 'usual' : ''}`}>
        {usedAttempts(task)}/{spec.attempts ?? 1}
      </td>
      <td data-name="Priority" class={`right number col-priority ${(spec.priority ?? 5) === 5 ? 'usual' : ''}`}>
        {spec.priority ?? 5}
      </td>
      <td data-name="Took" class={`right number ${attempt === undefined ? 'usual' : ''}`}>
        {attempt === undefined ? '–' : <Lasting from={attempt.startedAt} to={attempt.endedAt} />}
      </td>
      <td data-name="Published" class="right number">
        <Age time={task.createdAt} />
      </td>
    </tr>
  )
}

/** The second line: why it waits, how it ended, what it does, or its command. */
function RowText(props: { task: TaskView }) {
  const { task } = props
  if (task.state === 'running' && task.progress !== undefined && task.progress.phase !== 'running') return <TaskProgress task={task} />
  if (task.waiting !== undefined) return <span class="row-text">{sentence(task.waiting.message)}</span>
  const end = task.state === 'failed' || task.state === 'dead' ? endText(task.result ?? {}) : ''
  const command = specOf(task).name === undefined ? '' : commandOf(task)
  if (end === '' && command === '') return null
  return (
    <span class="row-text">
      {end && <span class="bad">{end}</span>} {command && <code>{command}</code>}
    </span>
  )
}
