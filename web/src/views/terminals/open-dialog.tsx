// Opening a terminal: which command, on which worker.
import { useState } from 'preact/hooks'
import { splitCommand } from '../../models/text/command-words.ts'
import { Field } from '../../parts/field.tsx'
import { Modal } from '../../parts/modal.tsx'
import { ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { type ApiError, asApiError } from '../../transport/api-error.ts'

export function OpenDialog(props: { onClose: () => void }) {
  const { dashboard, router } = usePage()
  const [command, setCommand] = useState('bash')
  const [worker, setWorker] = useState('')
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  const { argv: words, problem, shellFeature } = splitCommand(command)
  const argv = shellFeature === undefined ? words : ['sh', '-c', command]

  async function open() {
    if (argv.length === 0 || problem !== undefined) return
    setBusy(true)
    try {
      const { id } = await dashboard.transport.terminals.open({ argv, ...(worker === '' ? {} : { worker }) })
      props.onClose()
      router.go(`/terminals/${id}`)
    } catch (thrown) {
      setError(asApiError(thrown))
      setBusy(false)
    }
  }
  return (
    <Modal title="Open a terminal" onClose={props.onClose} narrow>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          void open()
        }}
      >
        <Field
          label="Command"
          error={problem}
          hint={shellFeature === undefined ? 'as in a shell' : `run by sh -c, because of ${shellFeature}`}
          control={(attributes) => (
            <input
              {...attributes}
              type="text"
              autocomplete="off"
              spellcheck={false}
              value={command}
              onInput={(event) => setCommand(event.currentTarget.value)}
            />
          )}
        />
        <Field
          label="Worker"
          hint="it stays there"
          control={(attributes) => (
            <select {...attributes} value={worker} onChange={(event) => setWorker(event.currentTarget.value)}>
              <option value="">the node of this page</option>
              {dashboard.fleet.workers.value
                .filter(({ state }) => state === 'alive')
                .map(({ peerId, name }) => (
                  <option key={peerId} value={peerId}>
                    {name}
                  </option>
                ))}
            </select>
          )}
        />
        {error && <ProblemNote error={error} what="No terminal was opened." />}
        <footer class="modal-foot">
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy || argv.length === 0 || problem !== undefined}>
            Open
          </button>
        </footer>
      </form>
    </Modal>
  )
}
