// One session: how it stands, what it waits for, what it said and did, what it has used and changed.
import { useEffect, useState } from 'preact/hooks'
import type { SessionView } from '../../../../protocols/http/sessions.ts'
import { costText, isOver, sessionTitle, tokensText } from '../../models/agents/session-facts.ts'
import { fullTimeText } from '../../models/text/durations.ts'
import { inertLines, inertText } from '../../models/text/inert-text.ts'
import { sentence } from '../../models/text/sentences.ts'
import { CopyButton, ShortId } from '../../parts/copy.tsx'
import { Chips, Facts, PageHead } from '../../parts/facts.tsx'
import { Confirm, type Question } from '../../parts/modal.tsx'
import { Callout, EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { Age } from '../../parts/times.tsx'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import { AskCard } from './ask-card.tsx'
import { MoveDialog } from './move-dialog.tsx'
import { SessionMark } from './session-mark.tsx'
import { SessionResult } from './session-result.tsx'
import { TranscriptView } from './transcript-view.tsx'

export function SessionPage(props: { id: string }) {
  const { dashboard } = usePage()
  const [older, setOlder] = useState<SessionView>()
  const [error, setError] = useState<ApiError>()
  const items = dashboard.sessions.items.value
  const listed = items?.find(({ id }) => id === props.id)
  const missing = listed === undefined
  useEffect(() => {
    // The list has the newest ones alone.
    if (!missing) return
    dashboard.transport.agents.session(props.id).then(
      (session) => {
        setOlder(session)
        setError(undefined)
      },
      (thrown: unknown) => setError(asApiError(thrown)),
    )
  }, [props.id, missing, items])
  const session = listed ?? older
  if (session !== undefined) return <SessionDetail session={session} />
  if (error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  return error.status === 404 ? (
    <EmptyState title={`No session has the ID ${props.id}.`} command="nimbus session ls" />
  ) : (
    <ProblemNote error={error} what="The session could not be loaded." />
  )
}

function SessionDetail(props: { session: SessionView }) {
  const { session } = props
  return (
    <>
      <PageHead
        crumb={{ href: '/sessions', text: 'Sessions' }}
        title={sessionTitle(session)}
        lead={
          <>
            <SessionMark session={session} />
            {session.worker !== undefined && (
              <span>
                on <a href={`/workers/${session.worker}`}>{session.workerName}</a>
              </span>
            )}
            <span class="number">{costText(session.costUsd)}</span>
            <span class="muted">
              started by {session.authorName} <Age time={session.createdAt} suffix />
            </span>
          </>
        }
      >
        <SessionActions session={session} />
      </PageHead>
      {session.reason !== undefined && (
        <Callout tone={session.state === 'failed' ? 'bad' : 'warn'} title={sentence(inertText(session.reason.message))}>
          {session.reason.cure !== undefined && <p class="cure">{sentence(inertText(session.reason.cure))}</p>}
        </Callout>
      )}
      {session.asks.length > 0 && (
        <section aria-labelledby="asks">
          <h2 id="asks">Waits for your yes</h2>
          <ul class="plain messages">
            {session.asks.map((ask) => (
              <AskCard key={ask.request} session={session} ask={ask} />
            ))}
          </ul>
        </section>
      )}
      <div class="detail">
        <div class="stack">
          <pre class="command">{inertLines(session.prompt)}</pre>
          <TranscriptView session={session} />
          <SessionResult session={session} />
        </div>
        <SessionSide session={session} />
      </div>
    </>
  )
}

function SessionActions(props: { session: SessionView }) {
  const { dashboard, notices } = usePage()
  const { session } = props
  const [question, setQuestion] = useState<Question>()
  const [moving, setMoving] = useState(false)
  async function order(verb: 'interrupt' | 'stop') {
    const { taken } = await dashboard.transport.agents.order(session.id, verb)
    notices.done(taken ? (verb === 'stop' ? 'Stopped' : 'Interrupted') : 'Recorded; its worker does it when it can be reached')
    await dashboard.sessions.load()
  }
  function askToStop() {
    setQuestion({
      title: 'Stop this session?',
      text: <p>The agent is ended and its work is put away. A prompt goes on with it later.</p>,
      verb: 'Stop session',
      harms: true,
      act: () => order('stop'),
    })
  }
  return (
    <>
      <CopyButton class="labelled" text={`nimbus session messages ${session.id} --follow`} what="as a command">
        Copy as command
      </CopyButton>
      {(session.state === 'working' || session.state === 'waiting') && (
        <button
          type="button"
          title="Ends its turn, not the session"
          onClick={() => void order('interrupt').catch((thrown: unknown) => notices.failed('The session was not interrupted', thrown))}
        >
          Interrupt
        </button>
      )}
      <button type="button" title="Another worker goes on with it" onClick={() => setMoving(true)}>
        Move
      </button>
      {isOver(session.state) && <Resume session={session} />}
      {!isOver(session.state) && (
        <button type="button" class="harms" onClick={askToStop}>
          Stop
        </button>
      )}
      {moving && <MoveDialog session={session} onClose={() => setMoving(false)} />}
      {question && <Confirm question={question} onClose={() => setQuestion(undefined)} />}
    </>
  )
}

function Resume(props: { session: SessionView }) {
  const { dashboard, notices } = usePage()
  async function resume() {
    try {
      await dashboard.transport.agents.resume(props.session.id)
      notices.done('It goes on')
      await dashboard.sessions.load()
    } catch (thrown) {
      notices.failed('The session was not resumed', thrown)
    }
  }
  return (
    <button type="button" title="It goes on where it was, in the same conversation and tree" onClick={() => void resume()}>
      Resume
    </button>
  )
}

function SessionSide(props: { session: SessionView }) {
  const { session } = props
  const { tokens } = session
  return (
    <section class="card side" aria-label="What it is and has used">
      <Facts
        of={[
          ['ID', <ShortId id={session.id} what="the session ID" />],
          ['Agent', inertText([session.driver, session.version].filter(Boolean).join(' '))],
          ['Model', inertText(session.model ?? '')],
          ['Turns', <span class="number">{session.turns}</span>],
          [
            'Tokens',
            <span
              class="number"
              title={`${tokens.input} in, ${tokens.output} out, ${tokens.cacheRead} read from and ${tokens.cacheWrite} written to the cache`}
            >
              {tokensText(session)}
            </span>,
          ],
          ['Cost', <span class="number">{costText(session.costUsd)}</span>],
          ['Budget', session.budgetUsd !== undefined && costText(session.budgetUsd)],
          ['Account may go on', session.limitedUntil !== undefined && fullTimeText(session.limitedUntil)],
          ['Repository', session.repo && <span class="break">{inertText(session.repo)}</span>],
          ['Ref', inertText(session.ref ?? '')],
          ['Branch', session.branch && <span class="break">{inertText(session.branch)}</span>],
          ['Commit', session.commit && <code>{inertText(session.commit).slice(0, 12)}</code>],
          ['Orders not done yet', session.pending > 0 && session.pending],
          ['If its worker is lost', session.onLoss === 'move' ? 'another goes on' : 'it waits'],
          ['Saved', session.saved && <SavedFacts saved={session.saved} />],
          ['Refused hosts', session.refused.length > 0 && <Chips of={session.refused.map(inertText)} kind="host that it may not reach" />],
          ['Files', session.files.length > 0 && <Lines of={session.files.map(inertText)} />],
          [
            'Answers',
            session.decided.length > 0 && (
              <Lines of={session.decided.map(({ allow, by }) => `${allow ? 'allowed' : 'refused'} by ${inertText(by)}`)} />
            ),
          ],
          ['Tasks', <TaskLinks ids={session.tasks} />],
        ]}
      />
    </section>
  )
}

function SavedFacts(props: { saved: NonNullable<SessionView['saved']> }) {
  return (
    <span>
      <Age time={props.saved.at} suffix /> on {props.saved.on.map(inertText).join(', ')}
    </span>
  )
}

function Lines(props: { of: readonly string[] }) {
  return (
    <ul class="plain mono break">
      {props.of.map((line, at) => (
        <li key={at}>{line}</li>
      ))}
    </ul>
  )
}

function TaskLinks(props: { ids: readonly string[] }) {
  return (
    <ul class="plain">
      {props.ids.map((id) => (
        <li key={id}>
          <a class="mono" href={`/tasks/${id}`}>
            {id.slice(0, 10)}…
          </a>
        </li>
      ))}
    </ul>
  )
}
