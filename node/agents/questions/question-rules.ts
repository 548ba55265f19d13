// What a question and an answer have to be, and the words in which they are refused. Pure.
import type { AnswerValue } from '../../../protocols/agents/question.ts'
import type { AnswerRequest, QuestionRequest, QuestionView } from '../../../protocols/agents/question-views.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import { NimbusError } from '../../kernel/errors.ts'

const PRIORITY = 5

/** The task that a question is. Its ID follows from the asker and the name that the asker gave it. */
export function questionTask(request: QuestionRequest, parent: TaskId | undefined, self: PeerId): TaskSpec {
  const { choices, detail, ...rest } = request
  return {
    kind: 'question',
    name: firstLine(request.text),
    argv: [],
    priority: PRIORITY,
    attempts: 1,
    dedupe: `@question/${parent ?? self}/${request.request}`,
    ...(parent === undefined ? {} : { parent }),
    question: { ...rest, ...(choices === undefined ? {} : { choices }), ...(detail === undefined ? {} : { detail }) },
  }
}

/** @throws NimbusError `question-exists` where the asker used the name for something else */
export function sameQuestion(asked: QuestionView, request: QuestionRequest, parent: string | undefined): QuestionView {
  const same = asked.text === request.text && asked.task === parent && JSON.stringify(asked.choices) === JSON.stringify(request.choices)
  if (same) return asked
  throw new NimbusError('question-exists', `The request ${request.request} was used before, for another question (${asked.id}).`, {
    kind: 'refused',
    cure: 'Give each question a request of its own; the same one again only to ask the same thing.',
  })
}

/** @throws NimbusError where the question is open no more, or this is no answer to it */
export function checkedAnswer(question: QuestionView, { choice, text }: AnswerRequest): Pick<AnswerValue, 'choice' | 'text'> {
  if (question.state === 'withdrawn') throw withdrawn(question.id)
  const { choices } = question
  if (choices !== undefined && (choice === undefined || !choices.includes(choice)))
    throw new NimbusError(
      'no-such-choice',
      `${choice === undefined ? 'No choice' : JSON.stringify(choice)} is no answer to question ${question.id}.`,
      {
        kind: 'usage',
        cure: `Choose one of: ${choices.join(', ')}.`,
      },
    )
  if (choices === undefined && choice !== undefined)
    throw new NimbusError('no-such-choice', `Question ${question.id} has no choices: it asks for a text.`, {
      kind: 'usage',
      cure: 'Answer it in words: --text.',
    })
  return { ...(choice === undefined ? {} : { choice }), ...(text === undefined ? {} : { text }) }
}

/** Said again by the same person at the same node, it is the same answer. */
export function isSame(a: AnswerValue | undefined, b: AnswerValue): boolean {
  return a !== undefined && a.choice === b.choice && a.text === b.text && a.node === b.node && a.by === b.by
}

export function decidedBefore(id: string, answer: AnswerValue | undefined, nameOf: (peer: PeerId) => string): NimbusError {
  if (answer === undefined) return withdrawn(id)
  const what = JSON.stringify(answer.choice ?? answer.text ?? '')
  return new NimbusError(
    'question-answered',
    `Question ${id} was answered before: ${what}, by ${answer.by} at ${nameOf(answer.node as PeerId)}.`,
    {
      kind: 'refused',
      cure: 'The first answer counts; nimbus ask show tells it.',
      details: { by: answer.by, node: answer.node },
    },
  )
}

export function notDecided(id: string): NimbusError {
  return new NimbusError(
    'answer-unknown',
    `No majority of the keepers answered in time: whether question ${id} is answered is not known yet.`,
    {
      kind: 'unreachable',
      cure: 'Look with nimbus ask show, and answer again once the other keepers can be reached.',
    },
  )
}

export function tooMany(asker: TaskId): NimbusError {
  return new NimbusError('too-many-questions', `Task ${asker} waits for as many answers as it may.`, {
    kind: 'refused',
    cure: 'Wait for an answer, or withdraw a question.',
  })
}

export function unknownQuestion(id: string): never {
  throw new NimbusError('question-unknown', `There is no question ${id}.`, { kind: 'missing', cure: 'nimbus ask ls lists them.' })
}

function withdrawn(id: string): NimbusError {
  return new NimbusError('question-withdrawn', `Question ${id} was withdrawn: nobody waits for its answer.`, {
    kind: 'refused',
    cure: 'nimbus ask ls lists the open ones.',
  })
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? ''
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}
