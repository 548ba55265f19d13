// Proposers against real seats on one network in memory: races, half-chosen values, the short path and silence.
import { beforeEach, expect, test } from 'vitest'
import type { PeerId } from '../../../../protocols/ids.ts'
import type { RegisterValue } from '../../../../protocols/records.ts'
import type { KeeperAnswer, LinkMessage } from '../../../../protocols/streams.ts'
import { createSeededRandom } from '../../../../node/kernel/random.ts'
import { acceptItems, answersMessage, prepareItems } from '../../../../node/tasks/claims/registers/batches.ts'
import type { Keeper } from '../../../../node/tasks/claims/keeper.ts'
import { createKeeper } from '../../../../node/tasks/claims/keeper.ts'
import type { Proposer } from '../../../../node/tasks/claims/proposer.ts'
import { createProposer } from '../../../../node/tasks/claims/proposer.ts'
import { createQuorum } from '../../../../node/tasks/claims/quorum.ts'
import { claim, conclude } from '../../../../node/tasks/fold/transitions.ts'
import { fakePeer } from '../../../mesh/parts/fake-identity.ts'
import { createSimClock } from '../../../mesh/parts/sim-clock.ts'
import { CREATED_AT, TASK, TERM } from '../../../protocols/samples.ts'

const seats = [0, 1, 2].map(fakePeer)
const [first, second] = seats as [PeerId, PeerId]

let clock = createSimClock()
let silent = new Set<PeerId>()
let chosen: RegisterValue[] = []
let keepers = new Map<PeerId, Keeper>()

beforeEach(() => {
  clock = createSimClock()
  silent = new Set()
  chosen = []
  const persist = (_: unknown, done: () => void): void => void clock.after(1, done)
  keepers = new Map(
    seats.map((seat) => [
      seat,
      createKeeper(
        { clock, persist, taskOf: () => ({ preferred: first }), settledOf: () => undefined },
        { registers: new Map(), ended: new Set() },
      ),
    ]),
  )
})

function proposerAt(self: PeerId, preferred = false): Proposer {
  const ask = (seat: PeerId, message: LinkMessage, reply: (answer: LinkMessage) => void): void => {
    if (silent.has(seat)) return
    const keeper = keepers.get(seat) as Keeper
    if (message.t !== 'prepare-runs' && message.t !== 'accept-runs') return
    const answer = (items: KeeperAnswer[]): void => void clock.after(1, () => reply(answersMessage(message, message.id, items)))
    if (message.t === 'prepare-runs') clock.after(1, () => keeper.prepare(prepareItems(message), answer))
    else clock.after(1, () => keeper.accept(acceptItems(message), answer))
  }
  const quorum = createQuorum(
    {
      self,
      clock,
      send(seat, message) {
        ask(seat, message, (answer) => void (answer.t === 'answers-runs' && quorum.onAnswer(seat, answer.id, answer)))
        return true
      },
      askSelf: (message, reply) => ask(self, message, reply),
    },
    1,
  )
  return createProposer({
    self,
    epoch: 7,
    clock,
    random: createSeededRandom(seats.indexOf(self) + 1),
    quorum,
    config: () => ({ version: 1, seats }),
    onStale: () => {},
    preferredOf: () => (preferred ? [first, 7] : undefined),
    onChosen: (_, value) => void chosen.push(value),
  })
}
/** A proposer asks in the next microtask: only then is there an event to run. */
async function run(ms: number): Promise<void> {
  await new Promise(setImmediate)
  await clock.run(clock.nowMs() + ms)
}
const claimFor = (node: PeerId) => claim({ node, term: TERM, wallMs: CREATED_AT, termEnded: () => false })

test('two proposers that race never both win, and the loser learns who did', async () => {
  const changes = Promise.all([first, second].map((node) => proposerAt(node).change(TASK, claimFor(node), 5_000)))
  await run(10_000)
  const results = await changes
  expect(results.filter((change) => 'changed' in change)).toHaveLength(1)
  expect(results.filter((change) => 'refused' in change && change.refused === 'held')).toHaveLength(1)
  expect(new Set(chosen.map((value) => value.holder)).size).toBe(1)
})

test('the preferred node claims in one round trip, and so does its next change', async () => {
  const proposer = proposerAt(first, true)
  const claimed = proposer.change(TASK, claimFor(first), 5_000)
  await run(20)
  expect(await claimed).toMatchObject({ changed: { version: 1, epoch: 1, holder: first } })
  const settledChange = proposer.change(TASK, conclude(1, { result: 'succeeded', endedAt: CREATED_AT }, { attempts: 1 }, 0), 5_000)
  await run(20)
  expect(await settledChange).toMatchObject({ changed: { version: 2, state: 'settled', end: 'succeeded' } })
  expect(proposer.counters).toMatchObject({ prepares: 0, accepts: 2, oneRoundTrip: 2 })
})

test('a value that only one seat accepted is completed before anybody decides from it', async () => {
  const half: RegisterValue = { version: 1, epoch: 1, state: 'held', holder: second, term: TERM, startedAt: 1, attempt: 1 }
  keepers.get(second)?.accept([{ task: TASK, ballot: [1, second], value: half }], () => {})
  silent.add(seats[2] as PeerId)
  const change = proposerAt(first).change(TASK, claimFor(first), 5_000)
  await run(10_000)
  expect(await change).toEqual({ refused: 'held', current: half })
  expect(chosen).toEqual([half])
})

test('without a majority a change settles as unreachable within its time, and nothing is chosen', async () => {
  silent = new Set(seats.slice(1))
  const proposer = proposerAt(first)
  const change = proposer.change(TASK, claimFor(first), 2_000)
  await run(4_000)
  expect(await change).toEqual({ unreachable: 'no majority of keepers answered in time' })
  expect(chosen).toEqual([])
  expect(proposer.counters.unreachable).toBe(1)
})
