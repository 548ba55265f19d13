// Inviting a machine: make an invite, show the exact line to type there, and how long it is good for.
import { useState } from 'preact/hooks'
import type { InviteView } from '../../../../protocols/http/views.ts'
import { CommandLine } from '../../parts/copy.tsx'
import { Field } from '../../parts/field.tsx'
import { Modal } from '../../parts/modal.tsx'
import { ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { Countdown } from '../../parts/times.tsx'
import type { InviteDraft } from '../../transport/transport.ts'
import { type ApiError, asApiError } from '../../transport/api-error.ts'

const ROLES: readonly { role: InviteDraft['role']; may: string }[] = [
  { role: 'member', may: 'runs and publishes work' },
  { role: 'admin', may: 'also invites and removes' },
  { role: 'viewer', may: 'only looks' },
]

export function InviteDialog(props: { onClose: () => void }) {
  const { dashboard } = usePage()
  const [draft, setDraft] = useState<InviteDraft>({ role: 'member', uses: 1, expires: '15m' })
  const [made, setMade] = useState<InviteView>()
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  const change = (part: Partial<InviteDraft>) => setDraft((before) => ({ ...before, ...part }))

  async function make() {
    setBusy(true)
    setError(undefined)
    try {
      setMade(await dashboard.transport.invite(draft))
    } catch (thrown) {
      setError(asApiError(thrown))
    }
    setBusy(false)
  }

  if (made !== undefined) return <Made made={made} uses={draft.uses} onClose={props.onClose} onAgain={() => setMade(undefined)} />
  return (
    <Modal title="Invite a machine" onClose={props.onClose} narrow>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void make()
        }}
      >
        <fieldset class="choices">
          <legend>It may</legend>
          {ROLES.map(({ role, may }) => (
            <label key={role} class="check">
              <input type="radio" name="role" checked={draft.role === role} onChange={() => change({ role })} />
              <span>
                <strong>{role}</strong> <span class="muted">{may}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <div class="form two">
          <Field
            label="Machines"
            hint="how many may use it"
            control={(attributes) => (
              <input
                {...attributes}
                type="number"
                min={1}
                max={100}
                value={draft.uses}
                onInput={(event) => change({ uses: Number(event.currentTarget.value) || 1 })}
              />
            )}
          />
          <Field
            label="Good for"
            control={(attributes) => (
              <select {...attributes} value={draft.expires} onChange={(event) => change({ expires: event.currentTarget.value })}>
                <option value="15m">15 minutes</option>
                <option value="1h">1 hour</option>
                <option value="1d">1 day</option>
              </select>
            )}
          />
        </div>
        {error && <ProblemNote error={error} what="No invite was made." />}
        <footer class="modal-foot">
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            Make invite
          </button>
        </footer>
      </form>
    </Modal>
  )
}

function Made(props: { made: InviteView; uses: number; onClose: () => void; onAgain: () => void }) {
  const { made } = props
  return (
    <Modal title="Invite a machine" onClose={props.onClose}>
      <p>In a clone of Nimbus on the other machine, type:</p>
      <CommandLine command={`npx nimbus up --join ${made.invite}`} />
      <p>
        Good for {props.uses === 1 ? 'one machine' : `${props.uses} machines`},{' '}
        <Countdown to={made.expiresAt} over="over: make a new one" />.{' '}
        <span class="muted">Who has this line can join this mesh: send it as you would send a key.</span>
      </p>
      <details class="more-fields">
        <summary>Keep it out of the process list</summary>
        <CommandLine command="npx nimbus up --join -" />
        <p class="muted">
          Then paste the invite and press Enter and Ctrl+D: <code class="break">{made.invite}</code>
        </p>
      </details>
      <footer class="modal-foot">
        <button type="button" onClick={props.onAgain}>
          Another invite
        </button>
        <button type="button" class="primary" onClick={props.onClose}>
          Done
        </button>
      </footer>
    </Modal>
  )
}
