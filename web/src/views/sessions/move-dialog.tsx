// Moving a session: which worker goes on with it, and whether a call that runs may end first.
import { useState } from 'preact/hooks'
import type { SessionView } from '../../../../protocols/http/sessions.ts'
import { isOver } from '../../models/agents/session-facts.ts'
import { Field } from '../../parts/field.tsx'
import { Modal } from '../../parts/modal.tsx'
import { ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { type ApiError, asApiError } from '../../transport/api-error.ts'

export function MoveDialog(props: { session: SessionView; onClose: () => void }) {
  const { dashboard, notices } = usePage()
  const { session } = props
  const others = dashboard.fleet.workers.value.filter(
    ({ state, slots, peerId }) => state === 'alive' && slots > 0 && peerId !== session.worker,
  )
  const [chosen, setChosen] = useState('')
  const [now, setNow] = useState(false)
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  const worker = chosen === '' ? (others[0]?.peerId ?? '') : chosen

  async function move() {
    setBusy(true)
    try {
      const { taken } = await dashboard.transport.agents.move(session.id, { worker, now })
      notices.done(taken ? 'It moves' : 'Recorded; it moves when the call that runs has ended')
      props.onClose()
      await dashboard.sessions.load()
    } catch (thrown) {
      setError(asApiError(thrown))
      setBusy(false)
    }
  }
  return (
    <Modal title="Move this session" onClose={props.onClose} narrow>
      <p>Conversation, files and branch go along. Files that git ignores stay.</p>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void move()
        }}
      >
        <Field
          label="To worker"
          hint={others.length === 0 ? 'no other worker is here' : ''}
          control={(attributes) => (
            <select {...attributes} value={worker} onChange={(event) => setChosen(event.currentTarget.value)}>
              {others.map(({ peerId, name }) => (
                <option key={peerId} value={peerId}>
                  {name}
                </option>
              ))}
            </select>
          )}
        />
        {!isOver(session.state) && (
          <label class="check">
            <input type="checkbox" checked={now} onChange={(event) => setNow(event.currentTarget.checked)} /> end the call that runs now; it
            is begun again there
          </label>
        )}
        {error && <ProblemNote error={error} what="The session was not moved." />}
        <footer class="modal-foot">
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy || worker === ''}>
            Move session
          </button>
        </footer>
      </form>
    </Modal>
  )
}
