// One request of an agent that waits for a yes: what it wants to do, word for word, and the two answers.
import { useId, useState } from 'preact/hooks'
import type { SessionView } from '../../../../protocols/http/sessions.ts'
import { type Ask, decidedText } from '../../models/agents/session-facts.ts'
import { inertLines, inertText } from '../../models/text/inert-text.ts'
import { usePage } from '../../parts/page-context.ts'
import { Age } from '../../parts/times.tsx'

export function AskCard(props: { session: Pick<SessionView, 'id'>; ask: Ask; from?: string }) {
  const { dashboard, notices } = usePage()
  const { session, ask } = props
  const [note, setNote] = useState('')
  const [busy, setBusy] = useState(false)
  const noteId = useId()
  const tool = inertText(ask.tool)
  async function decide(allow: boolean) {
    setBusy(true)
    try {
      const words = note.trim()
      const order = await dashboard.transport.agents.decide(session.id, {
        request: ask.request,
        allow,
        ...(words === '' ? {} : { note: words }),
      })
      notices.done(decidedText(order))
      await dashboard.sessions.load()
    } catch (thrown) {
      notices.failed('The answer was not given', thrown)
    } finally {
      setBusy(false)
    }
  }
  return (
    <li class="card">
      <p>
        {props.from !== undefined && (
          <>
            <a href={`/sessions/${session.id}`}>{props.from}</a>{' '}
          </>
        )}
        asks to use <strong>{tool}</strong>{' '}
        <span class="muted">
          <Age time={ask.askedAt} suffix />
        </span>
      </p>
      <pre class="body">{inertLines(ask.input)}</pre>
      <div class="inline">
        <label class="off-screen" for={noteId}>
          Note to the agent about {tool}
        </label>
        <span class="grow">
          <input
            id={noteId}
            type="text"
            maxLength={2_000}
            placeholder="a note to the agent, if you like"
            value={note}
            onInput={(event) => setNote(event.currentTarget.value)}
          />
        </span>
        <button type="button" class="primary" aria-label={`Approve ${tool}`} disabled={busy} onClick={() => void decide(true)}>
          Approve
        </button>
        <button type="button" class="harms" aria-label={`Deny ${tool}`} disabled={busy} onClick={() => void decide(false)}>
          Deny
        </button>
      </div>
    </li>
  )
}
