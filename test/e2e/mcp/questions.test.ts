// Questions to people: answered once from any node though two answer at the same time, kept while the asking node dies and while
// no majority is there, and never answered by whoever asks.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { QuestionView } from '../../../protocols/agents/question-views.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, holderOf, meshOf, PATIENCE_MS, publish, running } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let first: RealNode
let second: RealNode
let third: RealNode
beforeAll(async () => {
  mesh = await meshOf(3, ['--slots', '2'])
  ;[first, second, third] = mesh.nodes as [RealNode, RealNode, RealNode]
})
afterAll(() => mesh?.close())

/** Asks with the token of the task, tries to answer itself, waits, and prints the answer. */
const ASKER = (request: string): string[] => [
  'node',
  '-e',
  `const { NIMBUS_URL: url, NIMBUS_TOKEN: token } = process.env
  const ask = async (path, body) => {
    const answer = await fetch(url + path, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: 'Bearer ' + token, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return { status: answer.status, ...(await answer.json()) }
  }
  const question = { request: '${request}', text: 'Which colour?', choices: ['red', 'blue'] }
  const asked = await ask('/api/questions', question)
  const again = await ask('/api/questions', question)
  const other = await ask('/api/questions', { ...question, text: 'Another one?' })
  const own = await ask('/api/questions/' + asked.id + '/answer', { choice: 'red' })
  console.log(JSON.stringify({ same: asked.id === again.id, other: other.code, own: own.status }))
  const done = await ask('/api/questions/' + asked.id + '/wait')
  console.log('ANSWER ' + done.answer.choice)`,
]

const questions = async (node: RealNode, query = 'state=open'): Promise<QuestionView[]> =>
  (await node.api<{ items: QuestionView[] }>(`/api/questions?${query}`)).body.items
const asked = (node: RealNode, task: string): Promise<QuestionView> =>
  until(async () => (await questions(node)).find((question) => question.task === task), {
    what: `the question of ${task} at ${node.name}`,
    timeoutMs: PATIENCE_MS,
  })
type Answered = QuestionView & { code?: string }
const answer = (node: RealNode, id: string, body: object) => node.api<Answered>(`/api/questions/${id}/answer`, { body })

test('two people answer on two nodes: one of them wins, everywhere the same, and the asker never answers itself', async () => {
  const task = await publish(first, { argv: ASKER('colour'), worker: 'n1' })
  const { id } = await asked(second, task)
  await asked(third, task)
  expect((await second.cli('ask', 'ls')).stdout).toContain('Which colour?')
  expect((await answer(second, id, { choice: 'green' })).body.code).toBe('no-such-choice')
  const [red, blue] = await Promise.all([answer(second, id, { choice: 'red' }), answer(third, id, { choice: 'blue' })])
  expect([red.status, blue.status].toSorted((a, b) => a - b)).toEqual([200, 409])
  const won = red.status === 200 ? 'red' : 'blue'
  expect((red.status === 200 ? blue : red).body.code).toBe('question-answered')
  const done = await ended(first, task)
  expect(done.result?.tail).toBe(`{"same":true,"other":"question-exists","own":403}\nANSWER ${won}\n`)
  for (const node of mesh.nodes)
    await until(async () => (await node.api<QuestionView>(`/api/questions/${id}`)).body.answer?.choice === won, {
      what: `${won} at ${node.name}`,
    })
  // The winner's own answer again is the same one; anybody else's comes too late.
  const winner = red.status === 200 ? second : third
  expect((await answer(winner, id, { choice: won })).status).toBe(200)
  expect(await first.cli('ask', 'answer', id, '--choice', won)).toMatchObject({ code: 4 })
})

test('the asking node dies, another one answers, and the task that runs again elsewhere finds its answer', async () => {
  // The first node stays: it is where the test looks from.
  await first.cli('worker', 'drain', 'n1')
  const task = await publish(first, { argv: ASKER('survives'), lostAfter: '2s' })
  const asker = holderOf(mesh.nodes, await running(first, task))
  const { id } = await asked(first, task)
  await asker.kill()
  const survivor = asker === second ? third : second
  const given = await survivor.cli('ask', 'answer', id, '--choice', 'blue')
  expect(given).toMatchObject({ code: 0 })
  const done = await ended(first, task)
  expect([done.state, done.attempts.length]).toEqual(['succeeded', 2])
  expect(done.result?.tail).toContain('ANSWER blue')
  await asker.restart()
  await first.cli('worker', 'resume', 'n1')
  await mesh.settled()
  expect((await answer(asker, id, { choice: 'red' })).body.code, 'a late answer on the node that was away').toBe('question-answered')
})

test('without a majority a question is asked and not answered; with one it is, and events tell both', async () => {
  const others = [second, third]
  await Promise.all(others.map((node) => node.kill()))
  const { status, body } = await first.api<QuestionView>('/api/questions', { body: { request: 'split', text: 'Go on?' } })
  expect([status, body.state]).toEqual([201, 'open'])
  expect(await answer(first, body.id, { text: 'yes' })).toMatchObject({ status: 502, body: { code: 'answer-unknown' } })
  await Promise.all(others.map((node) => node.restart()))
  await mesh.settled()
  const open = await until(async () => (await questions(third)).find(({ id }) => id === body.id), {
    what: 'the question',
    timeoutMs: PATIENCE_MS,
  })
  const events = await fetch(`${second.ready.http}/api/events?types=question.answered`, {
    headers: { authorization: `Bearer ${second.token}`, accept: 'text/event-stream' },
  })
  const given = await until(
    async () => {
      const { body: after } = await answer(third, open.id, { text: 'yes' })
      return after.state === 'answered' ? after : undefined
    },
    { what: 'a majority', timeoutMs: PATIENCE_MS },
  )
  expect(given.answer).toMatchObject({ text: 'yes', workerName: 'n3' })
  const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader()
  let told = ''
  while (!told.includes(open.id)) told += (await reader.read()).value ?? ''
  await reader.cancel()
})

test('a question goes with the task that asks it', async () => {
  const task = await publish(first, { argv: ASKER('gone') })
  const { id } = await asked(second, task)
  await first.cli('task', 'cancel', task)
  await ended(second, task)
  expect((await answer(third, id, { choice: 'red' })).body.code).toBe('question-withdrawn')
  expect((await questions(second)).map((one) => one.id)).not.toContain(id)
})
