// Tools between a task and the people and programs around it: ask somebody, tell how far it is, hold a lock.
import * as z from 'zod'
import type { QuestionView } from '../../../../protocols/agents/question-views.ts'
import { longWait, WAIT_SECONDS_MAX } from '../long-wait.ts'
import type { MeshTool } from '../tool.ts'
import { meshTool } from '../tool.ts'

/** The node answers by itself when the wait is over. */
const ANSWER_SECONDS = 8
const seconds = z.int().min(0).max(WAIT_SECONDS_MAX)

export const PEOPLE_TOOLS: readonly MeshTool[] = [
  meshTool({
    name: 'ask_human',
    title: 'Ask a person',
    description:
      'Asks whoever looks after the mesh. The question waits for as long as it takes. Where `answered` is false, do other work and call again with the same request, text and choices: it stays one question.',
    verb: 'question.ask',
    input: z.strictObject({
      request: z.string().min(1).max(128).describe('your own name for this question, as database-choice'),
      question: z.string().min(1).max(8192),
      choices: z.array(z.string().min(1).max(100)).min(1).max(10).optional().describe('possible answers; without them the answer is text'),
      detail: z.string().max(16_384).optional().describe('what a person has to see before the answer'),
      wait_seconds: seconds.default(40),
    }),
    readOnly: false,
    idempotent: true,
    async run({ request, question, choices, detail, wait_seconds }, run) {
      const body = { request, text: question, ...(choices === undefined ? {} : { choices }), ...(detail === undefined ? {} : { detail }) }
      const asked = (await run.call('POST', '/api/questions', { body, signal: run.signal })) as QuestionView
      const waited =
        asked.state !== 'open' || wait_seconds === 0
          ? asked
          : await longWait(run, wait_seconds, 'nobody has answered yet', (signal) =>
              run.call('GET', `/api/questions/${asked.id}/wait`, { signal }),
            )
      const { id, state, answer } = (waited as QuestionView | undefined) ?? asked
      return {
        question: id,
        state,
        answered: answer !== undefined,
        ...(answer === undefined ? {} : { choice: answer.choice, text: answer.text }),
      }
    },
  }),
  meshTool({
    name: 'report_progress',
    title: 'Report progress',
    description: 'Tells everybody who watches this task how far it is.',
    verb: 'progress.report',
    ofTask: true,
    input: z.strictObject({ message: z.string().min(1).max(500), percent: z.number().min(0).max(100).optional() }),
    readOnly: false,
    idempotent: true,
    async run({ message, percent }, { call, signal, task }) {
      await call('POST', `/api/tasks/${task ?? ''}/progress`, { body: { message, ...(percent === undefined ? {} : { percent }) }, signal })
      return { noted: true }
    },
  }),
  meshTool({
    name: 'lock',
    title: 'Hold a lock',
    description:
      'Takes or gives back a lock that one holder in the whole mesh has at a time. It is held until it is released, its time is over, or the session ends. Where `held` is false, somebody else has it: try again later.',
    verb: 'lock.hold',
    input: z.strictObject({
      name: z.string().min(1).max(128),
      action: z.enum(['acquire', 'release']),
      wait_seconds: seconds.default(0),
      hold_seconds: z.int().min(1).max(3600).default(600),
    }),
    readOnly: false,
    destructive: true,
    idempotent: true,
    async run({ name, action, wait_seconds, hold_seconds }, run) {
      const path = `/api/locks/${encodeURIComponent(name)}/${action === 'acquire' ? 'take' : 'release'}`
      const body = action === 'acquire' ? { wait: wait_seconds * 1000, ttl: hold_seconds * 1000 } : {}
      const ask = (signal: AbortSignal): Promise<unknown> => run.call('POST', path, { body, signal })
      return (await longWait(run, wait_seconds + ANSWER_SECONDS, `somebody else holds ${name}`, ask)) as object
    },
  }),
]
