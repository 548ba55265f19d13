// A question as people see it: from the state of its task in the fold. Pure.
import type { AnswerValue, QuestionSpec } from '../../../protocols/agents/question.ts'
import type { QuestionView } from '../../../protocols/agents/question-views.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'

export function isQuestion(state: TaskState | undefined): boolean {
  return specOf(state) !== undefined
}

function specOf(state: TaskState | undefined): QuestionSpec | undefined {
  return state?.task?.spec.kind === 'question' ? state.task.spec.question : undefined
}

/** @param asker its state, where a task asks: whoever has ended waits for no answer */
export function questionView(
  state: TaskState,
  { nameOf, asker }: { nameOf(peer: PeerId): string; asker: TaskState | undefined },
): QuestionView | undefined {
  const spec = specOf(state)
  if (state.task === undefined || spec === undefined) return undefined
  const { author, createdAt } = state.task
  const outcome = state.value.state === 'settled' ? state.value.outcome : undefined
  const answer = outcome?.answer
  const over = state.value.state === 'settled' || state.cancel !== undefined || asker?.value.state === 'settled'
  return {
    id: state.id,
    state: answer !== undefined ? 'answered' : over ? 'withdrawn' : 'open',
    about: spec.about,
    request: spec.request,
    text: spec.text,
    ...(spec.detail === undefined ? {} : { detail: spec.detail }),
    ...(spec.choices === undefined ? {} : { choices: spec.choices }),
    ...(state.task.spec.parent === undefined ? {} : { task: state.task.spec.parent }),
    askedBy: nameOf(author),
    askedAt: createdAt,
    ...(answer === undefined ? {} : { answer: answerView(answer, outcome?.endedAt ?? 0, nameOf) }),
  }
}

export function answerView(answer: AnswerValue, at: number, nameOf: (peer: PeerId) => string): NonNullable<QuestionView['answer']> {
  const { choice, text, by, node } = answer
  return {
    ...(choice === undefined ? {} : { choice }),
    ...(text === undefined ? {} : { text }),
    by,
    worker: node,
    workerName: nameOf(node as PeerId),
    at,
  }
}
