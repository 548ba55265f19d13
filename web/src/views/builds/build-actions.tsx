// What can be done with a build: it is a task, and cancelled, run again and copied like one.
import { useEffect } from 'preact/hooks'
import { CopyButton } from '../../parts/copy.tsx'
import { usePage } from '../../parts/page-context.ts'
import { TaskActions } from '../tasks/task-actions.tsx'

export function BuildActions(props: { id: string }) {
  const { dashboard } = usePage()
  useEffect(() => {
    // Without its task the command that shows it is still there to copy.
    if (dashboard.tasks.get(props.id) === undefined) dashboard.loadTask(props.id).catch(() => undefined)
  }, [props.id])
  void dashboard.tasks.all.value
  const task = dashboard.tasks.get(props.id)?.value
  if (task !== undefined) return <TaskActions task={task} />
  return (
    <CopyButton class="labelled" text={`nimbus build show ${props.id}`} what="as a command">
      Copy as command
    </CopyButton>
  )
}
