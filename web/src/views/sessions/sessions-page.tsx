// Sessions of coding agents in rows: who works where, on what, and what it has cost so far.
import { useEffect } from 'preact/hooks'
import type { SessionView } from '../../../../protocols/http/sessions.ts'
import { asksOf, costText, isOver, sessionTitle, tokensText } from '../../models/agents/session-facts.ts'
import { inertText } from '../../models/text/inert-text.ts'
import { PageHead } from '../../parts/facts.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { Age } from '../../parts/times.tsx'
import { SessionMark } from './session-mark.tsx'

export function SessionsPage() {
  const { sessions } = usePage().dashboard
  useEffect(() => void sessions.load(), [])
  const items = sessions.items.value
  const error = sessions.error.value
  if (items === undefined && error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  const open = items?.filter(({ state }) => !isOver(state)).length ?? 0
  const asks = asksOf(items ?? []).length
  return (
    <>
      <PageHead
        title="Sessions"
        lead={
          items && `${open} of ${items.length} open${asks > 0 ? `, ${asks} ${asks === 1 ? 'request waits' : 'requests wait'} for you` : ''}`
        }
      />
      {error !== undefined && <ProblemNote error={error} what="The sessions could not be loaded." />}
      {items?.length === 0 && (
        <EmptyState
          title="No coding agent has worked here yet. A session starts one on a worker, in a work tree of its own:"
          command="nimbus session start --repo https://example.org/app.git 'make the tests pass'"
        />
      )}
      {items !== undefined && items.length > 0 && <SessionTable sessions={items} />}
    </>
  )
}

function SessionTable(props: { sessions: readonly SessionView[] }) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th>State</th>
          <th>Session</th>
          <th>Worker</th>
          <th>Model</th>
          <th class="right">Turns</th>
          <th class="right">Tokens</th>
          <th class="right">Cost</th>
          <th class="right">Changed</th>
        </tr>
      </thead>
      <tbody>
        {props.sessions.map((session) => (
          <Row key={session.id} session={session} />
        ))}
      </tbody>
    </table>
  )
}

function Row(props: { session: SessionView }) {
  const { session } = props
  const second = session.asks[0]
    ? `asks to use ${session.asks[0].tool}`
    : (session.reason?.message ?? session.said?.trim().split('\n').at(-1))
  return (
    <tr>
      <td class="cell-state">
        <SessionMark session={session} />
      </td>
      <td class="main">
        <a href={`/sessions/${session.id}`}>{sessionTitle(session)}</a>
        {second && <span class="row-text">{inertText(second).slice(0, 200)}</span>}
      </td>
      <td data-name="Worker" class={session.worker === undefined ? 'usual' : ''}>
        {session.worker === undefined ? '–' : <a href={`/workers/${session.worker}`}>{session.workerName}</a>}
      </td>
      <td data-name="Model">{inertText(session.model ?? session.driver)}</td>
      <td data-name="Turns" class="right number">
        {session.turns}
      </td>
      <td data-name="Tokens" class="right number">
        {tokensText(session)}
      </td>
      <td data-name="Cost" class="right number">
        {costText(session.costUsd)}
      </td>
      <td data-name="Changed" class="right number">
        <Age time={session.updatedAt} />
      </td>
    </tr>
  )
}
