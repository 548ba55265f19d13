// What a running attempt says that it is doing, while that is more than "running".
import type { TaskView } from '../../../../protocols/http/views.ts'
import { Progress } from '../../parts/meters.tsx'
import { inertText } from '../../models/text/inert-text.ts'

export function TaskProgress(props: { task: TaskView }) {
  const { progress, state } = props.task
  if (state !== 'running' || progress === undefined || progress.phase === 'running') return null
  return <Progress percent={progress.percent} label={inertText(progress.message || progress.phase)} />
}
