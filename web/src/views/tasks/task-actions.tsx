// Cancel, retry and copy as command, as buttons for one task.
import { useState } from 'preact/hooks'
import type { TaskView } from '../../../../protocols/http/views.ts'
import { againCommand, hasEnded, titleOf } from '../../models/task-facts.ts'
import { CopyButton } from '../../parts/copy.tsx'
import { Confirm, type Question } from '../../parts/modal.tsx'
import { type PageModels, usePage } from '../../parts/page-context.ts'

/** Publishes the same work as a new task and says where it is. */
export async function retryTask(page: PageModels, id: string): Promise<void> {
  try {
    const task = await page.dashboard.transport.retry(id)
    page.dashboard.takeTask(task)
    page.notices.done(`Published again: ${titleOf(task)}`, `/tasks/${task.id}`)
  } catch (thrown) {
    page.notices.failed('The task was not retried', thrown)
  }
}

export function TaskActions(props: { task: TaskView }) {
  const page = usePage()
  const { task } = props
  const [question, setQuestion] = useState<Question>()
  function askToCancel() {
    setQuestion({
      title: 'Cancel this task?',
      text: (
        <p>
          {task.state === 'running' ? 'What runs is ended: first politely, then by force.' : 'It will not start.'} Its output so far stays.
        </p>
      ),
      verb: 'Cancel task',
      harms: true,
      async act() {
        page.dashboard.takeTask(await page.dashboard.transport.cancel(task.id))
        page.notices.done(`Cancel asked for: ${titleOf(task)}`)
      },
    })
  }
  return (
    <>
      <CopyButton class="labelled" text={againCommand(task)} what="as a command">
        Copy as command
      </CopyButton>
      {hasEnded(task.state) ? (
        <button type="button" class="primary" onClick={() => void retryTask(page, task.id)}>
          Retry
        </button>
      ) : (
        <button type="button" class="harms" disabled={task.cancelRequested === true} onClick={askToCancel}>
          {task.cancelRequested ? 'Cancel asked for' : 'Cancel'}
        </button>
      )}
      {question && <Confirm question={question} onClose={() => setQuestion(undefined)} />}
    </>
  )
}
