// Drain, resume and stop, with a question before what hurts.
import { useState } from 'preact/hooks'
import type { Worker } from '../../models/fleet.ts'
import { Confirm, type Question } from '../../parts/modal.tsx'
import { type PageModels, usePage } from '../../parts/page-context.ts'
import type { WorkerVerb } from '../../transport/transport.ts'

const SAID: Record<WorkerVerb, string> = { drain: 'is draining', resume: 'takes work again', stop: 'is stopping' }

async function command(page: PageModels, worker: Worker, verb: WorkerVerb): Promise<void> {
  page.dashboard.takeWorker(await page.dashboard.transport.command(worker.peerId, verb))
  page.notices.done(`${worker.name} ${SAID[verb]}.`)
}

export function WorkerActions(props: { worker: Worker; small?: boolean }) {
  const page = usePage()
  const { worker } = props
  const [question, setQuestion] = useState<Question>()
  const away = worker.state !== 'alive'
  const title = away ? `${worker.name} does not answer` : undefined
  const size = props.small ? 'small' : ''
  function askToStop() {
    const running = worker.running.length
    setQuestion({
      title: `Stop ${worker.name}?`,
      text: (
        <>
          <p>
            It finishes or hands over its {running === 1 ? 'running task' : `${running} running tasks`}, then its process ends. Start it
            again on its machine with nimbus up.
          </p>
          {worker.self && <p>This page is served by {worker.name}: it goes away too.</p>}
        </>
      ),
      verb: 'Stop worker',
      harms: true,
      act: () => command(page, worker, 'stop'),
    })
  }
  function resume() {
    command(page, worker, 'resume').catch((thrown: unknown) => page.notices.failed(`${worker.name} was not resumed`, thrown))
  }
  function askToDrain() {
    setQuestion({
      title: `Drain ${worker.name}?`,
      text: <p>It finishes what runs ({worker.running.length}) and takes no new work until it is resumed.</p>,
      verb: 'Drain worker',
      act: () => command(page, worker, 'drain'),
    })
  }
  return (
    <>
      {worker.mode === 'active' ? (
        <button type="button" class={size} disabled={away} title={title} onClick={askToDrain}>
          Drain
        </button>
      ) : (
        <button type="button" class={size} disabled={away || worker.mode === 'leaving'} title={title} onClick={resume}>
          Resume
        </button>
      )}
      <button type="button" class={`${size} harms`} disabled={away} title={title} onClick={askToStop}>
        Stop
      </button>
      {question && <Confirm question={question} onClose={() => setQuestion(undefined)} />}
    </>
  )
}
