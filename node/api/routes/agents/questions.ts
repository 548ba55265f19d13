// Questions to people: ask, list, look at, wait for, answer, withdraw. A task asks and waits with its own token; it never answers.
import type { Context } from 'hono'
import * as z from 'zod'
import { answerRequest, questionRequest, questionView } from '../../../../protocols/agents/question-views.ts'
import type { QuestionView } from '../../../../protocols/agents/question-views.ts'
import { describe } from '../../describe.ts'
import type { Api, ApiEnv } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { given, listQuery, readBody, readNoBody, readQuery } from '../../input.ts'
import type { QuestionsPort } from '../../ports.ts'
import { notFound } from '../../problems.ts'
import type { StreamGate } from '../../streams.ts'

const questionQuery = listQuery.extend({ state: questionView.shape.state.optional(), task: z.string().max(64).optional() })
const questionPage = z.object({ items: z.array(questionView), next: z.string().optional() }).meta({ id: 'QuestionPage' })

export function questionRoutes(questions: QuestionsPort, gate: StreamGate): Api {
  const api = createRoutes()
  const one = { 200: { text: 'The question', schema: questionView } }
  /** A task sees its own questions alone. */
  const find = (c: Context<ApiEnv>): QuestionView => {
    const id = c.req.param('id') ?? ''
    const found = questions.find(id)
    const asker = askerOf(c)
    if (found === undefined || (asker !== undefined && found.task !== asker)) throw notFound('question', id)
    return found
  }
  api.get(
    '/api/questions',
    describe({
      id: 'listQuestions',
      tag: 'questions',
      summary: 'Questions to people, open ones first, then newest first',
      query: questionQuery,
      answers: { 200: { text: 'One page', schema: questionPage } },
    }),
    (c) => {
      const { cursor, limit, state, task } = readQuery(c, questionQuery)
      return c.json(questions.list({ limit, ...given({ cursor, state, task: askerOf(c) ?? task }) }))
    },
  )
  api.post(
    '/api/questions',
    describe({
      id: 'askQuestion',
      tag: 'questions',
      summary: 'Ask people; the same asker gets the same question for the same request',
      body: questionRequest,
      answers: { 201: { text: 'The question, answered or not', schema: questionView } },
    }),
    async (c) => c.json(await questions.ask(askerOf(c), await readBody(c, questionRequest)), 201),
  )
  api.get('/api/questions/:id', describe({ id: 'getQuestion', tag: 'questions', summary: 'One question', answers: one }), (c) =>
    c.json(find(c)),
  )
  api.get(
    '/api/questions/:id/wait',
    describe({ id: 'waitForAnswer', tag: 'questions', summary: 'Answers when the question is open no more', answers: one }),
    async (c) => {
      const { id } = find(c)
      const leave = gate.enter()
      try {
        return c.json(await questions.waitFor(id, c.req.raw.signal))
      } finally {
        leave()
      }
    },
  )
  api.post(
    '/api/questions/:id/answer',
    describe({
      id: 'answerQuestion',
      tag: 'questions',
      summary: 'Answer it; the first answer in the mesh counts, a second one is refused with 409',
      body: answerRequest,
      answers: one,
    }),
    async (c) => c.json(await questions.answer(find(c).id, await readBody(c, answerRequest), 'operator')),
  )
  api.post(
    '/api/questions/:id/withdraw',
    describe({ id: 'withdrawQuestion', tag: 'questions', summary: 'Nobody waits for its answer any more', answers: one }),
    async (c) => {
      await readNoBody(c)
      return c.json(await questions.withdraw(find(c).id))
    },
  )
  return api
}

function askerOf(c: Context<ApiEnv>): string | undefined {
  const { actor } = c.var.caller
  return actor.kind === 'task' ? actor.task : undefined
}
