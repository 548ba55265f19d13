// A question with its answers as buttons, or with a field for words; answered, what was said and by whom. The text is the
// asker's, who may be an agent: text nodes only.
import { useId, useState } from 'preact/hooks'
import type { QuestionView } from '../../../../protocols/agents/question-views.ts'
import { inertLines, inertText } from '../../models/text/inert-text.ts'
import { usePage } from '../../parts/page-context.ts'
import { Age } from '../../parts/times.tsx'

export function QuestionCard(props: { question: QuestionView }) {
  const { question } = props
  return (
    <li class="card">
      <p class="muted">
        <a href={`/questions/${question.id}`}>{question.about === 'approval' ? 'Approval' : 'Question'}</a> of {inertText(question.askedBy)}
        {question.task !== undefined && (
          <>
            , task <a href={`/tasks/${question.task}`}>{question.task.slice(0, 10)}…</a>
          </>
        )}{' '}
        · <Age time={question.askedAt} suffix />
      </p>
      <pre class="body">{inertLines(question.text)}</pre>
      {question.detail !== undefined && <pre class="body muted">{inertLines(question.detail)}</pre>}
      {question.state === 'open' ? <Answers question={question} /> : <Answered question={question} />}
    </li>
  )
}

function Answered(props: { question: QuestionView }) {
  const { answer } = props.question
  if (answer === undefined) return <p class="muted">Withdrawn: nobody waits for an answer any more.</p>
  const words = [answer.choice, answer.text].filter((one) => one !== undefined && one !== '').join(': ')
  return (
    <p>
      <strong>{inertText(words)}</strong>{' '}
      <span class="muted">
        said {inertText(answer.by)} at {inertText(answer.workerName)} <Age time={answer.at} suffix />
      </span>
    </p>
  )
}

function Answers(props: { question: QuestionView }) {
  const { dashboard, notices } = usePage()
  const { id, choices, text: asked } = props.question
  const [words, setWords] = useState('')
  const [busy, setBusy] = useState(false)
  const fieldId = useId()
  async function answer(given: { choice: string } | { text: string }) {
    setBusy(true)
    try {
      await dashboard.transport.agents.answer(id, given)
      notices.done('Answered')
    } catch (thrown) {
      notices.failed('The answer was not taken', thrown)
    } finally {
      setBusy(false)
      // Also where it was refused: somebody else may have been first.
      await dashboard.questions.load()
    }
  }
  const about = inertText(asked.split('\n')[0] ?? '').slice(0, 80)
  if (choices !== undefined && choices.length > 0) {
    return (
      <div class="inline" role="group" aria-label={`Answers to: ${about}`}>
        {choices.map((choice) => (
          <button key={choice} type="button" disabled={busy} onClick={() => void answer({ choice })}>
            {inertText(choice)}
          </button>
        ))}
      </div>
    )
  }
  return (
    <form
      class="inline"
      aria-label={`Answer: ${about}`}
      onSubmit={(event) => {
        event.preventDefault()
        if (words.trim() !== '') void answer({ text: words })
      }}
    >
      <label class="off-screen" for={fieldId}>
        Answer
      </label>
      <span class="grow">
        <input id={fieldId} type="text" maxLength={4_000} value={words} onInput={(event) => setWords(event.currentTarget.value)} />
      </span>
      <button type="submit" class="primary" disabled={busy}>
        Answer
      </button>
    </form>
  )
}
