// One question under its own address, open or answered.
import { useEffect, useState } from 'preact/hooks'
import type { QuestionView } from '../../../../protocols/agents/question-views.ts'
import { PageHead } from '../../parts/facts.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import { QuestionCard } from './question-card.tsx'

export function QuestionPage(props: { id: string }) {
  const { dashboard } = usePage()
  const [question, setQuestion] = useState<QuestionView>()
  const [error, setError] = useState<ApiError>()
  const items = dashboard.questions.items.value
  useEffect(() => {
    // The list is fetched again after every change, and this one with it.
    dashboard.transport.agents.question(props.id).then(setQuestion, (thrown: unknown) => setError(asApiError(thrown)))
  }, [props.id, items])
  if (question === undefined && error === undefined) return <div class="loading" role="status" aria-label="Loading" />
  if (question === undefined && error?.status === 404)
    return <EmptyState title={`No question has the ID ${props.id}.`} command="nimbus ask ls --all" />
  return (
    <>
      <PageHead crumb={{ href: '/questions', text: 'Questions' }} title="Question" />
      {question === undefined && error !== undefined && <ProblemNote error={error} what="The question could not be loaded." />}
      <ul class="plain messages">{question !== undefined && <QuestionCard question={question} />}</ul>
    </>
  )
}
