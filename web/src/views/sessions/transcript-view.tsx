// What a session said and did, newest last, and the field that gives it more. Text nodes only.
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { SessionView } from '../../../../protocols/http/sessions.ts'
import { isOver } from '../../models/agents/session-facts.ts'
import { TRANSCRIPT_MAX, createTranscript } from '../../models/agents/transcript.ts'
import { clockText, fullTimeText } from '../../models/text/durations.ts'
import { ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'

export function TranscriptView(props: { session: SessionView }) {
  const { session } = props
  const { dashboard } = usePage()
  // A session that goes on does so with a new task: it is read again.
  const transcript = useMemo(
    () => createTranscript((signal) => dashboard.transport.agents.messages(session.id, signal)),
    [session.id, session.tasks.length],
  )
  useEffect(() => transcript.stop, [transcript])
  const entries = transcript.entries.value
  const dropped = transcript.dropped.value
  const state = transcript.state.value
  return (
    <section aria-labelledby="messages">
      <h2 id="messages">
        Messages{' '}
        <span class="muted" role="status">
          {state === 'reconnecting' ? 'connection lost, trying again' : state === 'reading' && !isOver(session.state) ? 'live' : ''}
        </span>
      </h2>
      {transcript.error.value && <ProblemNote error={transcript.error.value} what="The messages could not be read." />}
      {dropped > 0 && (
        <p class="muted">
          {dropped.toLocaleString('en')} earlier ones are not held here (the page keeps {TRANSCRIPT_MAX.toLocaleString('en')}).
        </p>
      )}
      {entries.length === 0 && (
        <p class="muted quiet-line">{isOver(session.state) ? 'It said nothing.' : 'Nothing yet; it appears here.'}</p>
      )}
      <ol class="plain transcript" aria-label="What it said and did">
        {entries.map((entry) => (
          <li key={entry.key} class={`said said-${entry.kind}`}>
            <p class={entry.bad ? 'bad' : 'muted'}>
              {entry.head}{' '}
              <time class="number" dateTime={isoOf(entry.time)} title={fullTimeText(entry.time)}>
                {clockText(entry.time)}
              </time>
            </p>
            {entry.text !== '' && <pre class="body">{entry.text}</pre>}
          </li>
        ))}
      </ol>
      <PromptForm session={session} />
    </section>
  )
}

function PromptForm(props: { session: SessionView }) {
  const { dashboard, notices } = usePage()
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  async function send() {
    if (text.trim() === '') return
    setBusy(true)
    try {
      const { taken } = await dashboard.transport.agents.prompt(props.session.id, text)
      setText('')
      notices.done(taken ? 'Sent' : 'Recorded; its worker does it when it can be reached')
      await dashboard.sessions.load()
    } catch (thrown) {
      notices.failed('The prompt was not sent', thrown)
    } finally {
      setBusy(false)
    }
  }
  return (
    <form
      class="card inline"
      aria-label="Send a prompt"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <label class="grow">
        <span class="off-screen">Prompt</span>
        <input
          type="text"
          maxLength={16_000}
          placeholder={isOver(props.session.state) ? 'a prompt; the session goes on with it' : 'a prompt or a slash command'}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary" disabled={busy}>
        Send
      </button>
    </form>
  )
}

/** The time comes from the agent's host: what is no time shows as the beginning of time, not as an error. */
function isoOf(time: number): string {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : new Date(0).toISOString()
}
