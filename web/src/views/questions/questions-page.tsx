// What waits for a person: questions of tasks and agents, requests of sessions; and what was answered lately.
import { useEffect } from 'preact/hooks'
import { asksOf, sessionTitle } from '../../models/agents/session-facts.ts'
import { PageHead } from '../../parts/facts.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { AskCard } from '../sessions/ask-card.tsx'
import { QuestionCard } from './question-card.tsx'

const ANSWERED_SHOWN = 20

export function QuestionsPage() {
  const { questions, sessions } = usePage().dashboard
  useEffect(() => {
    void questions.load()
    void sessions.load()
  }, [])
  const items = questions.items.value
  const error = questions.error.value ?? sessions.error.value
  if (items === undefined && error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  const open = (items ?? []).filter(({ state }) => state === 'open')
  const asks = asksOf(sessions.items.value ?? [])
  const over = (items ?? []).filter(({ state }) => state !== 'open').slice(0, ANSWERED_SHOWN)
  const waiting = open.length + asks.length
  return (
    <>
      <PageHead title="Questions" lead={waiting === 0 ? undefined : `${waiting} ${waiting === 1 ? 'waits' : 'wait'} for you`} />
      {error !== undefined && <ProblemNote error={error} what="Not all that waits could be loaded." />}
      {waiting === 0 && error === undefined && (
        <EmptyState
          title="Nothing waits for you. Tasks and agents ask here; an agent asks before each tool with"
          command="nimbus session start --permission ask 'tidy the README'"
        />
      )}
      <ul class="plain messages">
        {open.map((question) => (
          <QuestionCard key={question.id} question={question} />
        ))}
        {asks.map(({ session, ask }) => (
          <AskCard key={`${session.id} ${ask.request}`} session={session} ask={ask} from={sessionTitle(session)} />
        ))}
      </ul>
      {over.length > 0 && (
        <section aria-labelledby="answered">
          <h2 id="answered">Answered lately</h2>
          <ul class="plain messages">
            {over.map((question) => (
              <QuestionCard key={question.id} question={question} />
            ))}
          </ul>
        </section>
      )}
    </>
  )
}
