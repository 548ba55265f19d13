// A native dialog: focus stays inside, Escape closes, the page behind is inert. And the short question before an action
// that hurts.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type ApiError, asApiError } from '../transport/api-error.ts'
import { Icon } from './icons.tsx'
import { ProblemNote } from './notes.tsx'

export function Modal(props: { title: string; onClose: () => void; children: ComponentChildren; narrow?: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const element = dialog.current
    if (element && !element.open) element.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      class={props.narrow ? 'modal narrow' : 'modal'}
      aria-labelledby="modal-title"
      onCancel={(event) => {
        event.preventDefault()
        props.onClose()
      }}
      onMouseDown={(event) => {
        // The backdrop belongs to the dialog element itself; its content lies in children.
        if (event.target === dialog.current) props.onClose()
      }}
    >
      <div class="modal-body">
        <header class="modal-head">
          <h2 id="modal-title">{props.title}</h2>
          <button type="button" class="quiet icon-only" aria-label="Close" onClick={props.onClose}>
            <Icon name="close" />
          </button>
        </header>
        {props.children}
      </div>
    </dialog>
  )
}

export type Question = { title: string; text: ComponentChildren; verb: string; harms?: boolean; act: () => Promise<void> }

export function Confirm(props: { question: Question; onClose: () => void }) {
  const { question } = props
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  async function act() {
    setBusy(true)
    try {
      await question.act()
      props.onClose()
    } catch (thrown) {
      setError(asApiError(thrown))
      setBusy(false)
    }
  }
  return (
    <Modal title={question.title} onClose={props.onClose} narrow>
      <div class="modal-text">{question.text}</div>
      {error && <ProblemNote error={error} />}
      <footer class="modal-foot">
        <button type="button" onClick={props.onClose}>
          Keep as it is
        </button>
        <button type="button" class={question.harms ? 'primary harms' : 'primary'} disabled={busy} onClick={() => void act()}>
          {question.verb}
        </button>
      </footer>
    </Modal>
  )
}
