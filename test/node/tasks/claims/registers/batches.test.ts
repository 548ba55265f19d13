// Register operations share messages without a loss: what was asked and answered comes out as it went in.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NameKey } from '../../../../../protocols/ids.ts'
import { decodeLink, encodeLink } from '../../../../../protocols/streams.ts'
import type { Ballot, KeeperAnswer, LinkMessage } from '../../../../../protocols/streams.ts'
import { batchTaskIds } from '../../../../../protocols/tasks/task-runs.ts'
import {
  acceptItems,
  acceptMessage,
  answersMessage,
  eachAnswer,
  prepareItems,
  prepareMessage,
} from '../../../../../node/tasks/claims/registers/batches.ts'
import { alice, bob, CREATED_AT, NONCE, registerValues, TASK } from '../../../../protocols/samples.ts'

const request = { id: 3, version: 2 }
const ids = [...batchTaskIds(alice.peerId, CREATED_AT, NONCE, 0, 30), TASK]
const held = registerValues['held']!
const settled = registerValues['settled']!
const ballots: Ballot[] = [
  [0, alice.peerId],
  [1, alice.peerId],
  [4, bob.peerId],
]
const over = (message: LinkMessage): LinkMessage => {
  const decoded = decodeLink(encodeLink(message))
  if ('t' in decoded) return decoded
  throw new Error(JSON.stringify(decoded))
}

test('tasks of one ballot and value are one group, whatever their number', () => {
  const items = ids.slice(0, 30).map((task) => ({ task, ballot: [0, alice.peerId] as Ballot, value: held }))
  expect(acceptMessage(request, items)).toEqual({
    t: 'accept-runs',
    ...request,
    groups: [{ tasks: [[ids[0], 30]], ballot: [0, alice.peerId], value: held }],
  })
  const answers = items.map(({ task }): KeeperAnswer => ({ task, ok: true }))
  expect(answersMessage(acceptMessage(request, items), 3, answers)).toEqual({ t: 'answers-runs', id: 3, groups: [{ ok: true }] })
})

test('names travel one by one', () => {
  const items = [{ task: '@lock/a' as NameKey, ballot: ballots[1]!, value: held }]
  expect(over(acceptMessage(request, items))).toEqual({ t: 'accept', ...request, items })
})

test('any requests and answers come out as they went in', () => {
  const item = fc.record({ task: fc.constantFrom(...ids), ballot: fc.constantFrom(...ballots), value: fc.constantFrom(held, settled) })
  const verdict = fc.constantFrom<Omit<KeeperAnswer, 'task'>>(
    { ok: true },
    { ok: false, unknown: true },
    { ok: false, promised: ballots[2]! },
    { ok: true, accepted: { ballot: ballots[1]!, value: held } },
    { ok: false, settled },
  )
  fc.assert(
    fc.property(
      fc.uniqueArray(item, { minLength: 1, selector: ({ task }) => task }),
      fc.array(verdict, { minLength: 31, maxLength: 31 }),
      (items, verdicts) => {
        const accept = over(acceptMessage(request, items))
        expect(accept.t === 'accept-runs' && acceptItems(accept)).toEqual(items)
        const asked = items.map(({ task, ballot }) => ({ task, ballot }))
        const prepare = over(prepareMessage(request, asked))
        expect(prepare.t === 'prepare-runs' && prepareItems(prepare)).toEqual(asked)
        const answers = items.map(({ task }, index) => ({ task, ...verdicts[index] }) as KeeperAnswer)
        const answer = over(answersMessage(accept, 3, answers))
        const heard: KeeperAnswer[] = []
        if (answer.t === 'answers-runs')
          eachAnswer(answer, items, (task, { tasks: _, ...one }) => heard.push({ ...(one as { ok: boolean }), task }))
        expect(heard).toEqual(answers)
      },
    ),
  )
})
