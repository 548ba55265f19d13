// What a task came after, and the files that it left: the two ends that tie it to other tasks.
import { useEffect } from 'preact/hooks'
import type { TaskView } from '../../../../protocols/http/views.ts'
import { hasEnded, specOf, titleOf } from '../../models/task-facts.ts'
import { bytesText } from '../../models/text/bytes.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { usePage } from '../../parts/page-context.ts'

/** Enough to see where a graph stands; the rest is a click away. */
const SHOWN_MAX = 20

export function CameAfter(props: { task: TaskView }) {
  const { dashboard } = usePage()
  const after = specOf(props.task).after ?? []
  const shown = after.slice(0, SHOWN_MAX)
  const ids = shown.join(' ')
  useEffect(() => {
    // One that cannot be fetched stays a plain link.
    for (const id of shown) if (dashboard.tasks.get(id) === undefined) dashboard.loadTask(id).catch(() => undefined)
  }, [ids])
  if (after.length === 0) return null
  void dashboard.tasks.all.value
  const ended = after.filter((id) => hasEnded(dashboard.tasks.get(id)?.value.state ?? 'ready')).length
  return (
    <section aria-labelledby="came-after">
      <h2 id="came-after">
        Comes after{' '}
        <span class="muted number">{after.length > SHOWN_MAX ? `${after.length} tasks` : `${ended} of ${after.length} ended`}</span>
      </h2>
      <ul class="plain links">
        {shown.map((id) => {
          const task = dashboard.tasks.get(id)?.value
          return (
            <li key={id}>
              {task !== undefined && <StateMark state={task.state} />}{' '}
              <a class={task === undefined ? 'mono' : ''} href={`/tasks/${id}`}>
                {task === undefined ? id : titleOf(task)}
              </a>
            </li>
          )
        })}
      </ul>
      {after.length > SHOWN_MAX && <p class="muted">and {after.length - SHOWN_MAX} more</p>}
    </section>
  )
}

export function Artifacts(props: { task: TaskView }) {
  const { artifacts } = props.task.result ?? {}
  if (artifacts === undefined || artifacts.length === 0) return null
  const bytes = artifacts.reduce((sum, { size }) => sum + size, 0)
  return (
    <section aria-labelledby="artifacts">
      <h2 id="artifacts">
        Artifacts{' '}
        <span class="muted number">
          {artifacts.length === 1 ? 'one file' : `${artifacts.length} files`}, {bytesText(bytes)}
        </span>
      </h2>
      <ul class="plain links">
        {artifacts.map(({ path, hash, size }) => (
          <li key={path}>
            <a href={`/api/artifacts/${hash}`} download={path.split('/').at(-1)}>
              {inertText(path)}
            </a>{' '}
            <span class="muted number">{bytesText(size)}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
