// The register of a name at one seat: it needs no signed task, it is bounded in number, and its pages fit into a message.
import { expect, test } from 'vitest'
import type { NameKey, RegisterKey } from '../../../../protocols/ids.ts'
import { isNameKey } from '../../../../protocols/ids.ts'
import { NAME_BATCH_MAX, NAMES_MAX } from '../../../../protocols/limits.ts'
import type { KeeperAnswer } from '../../../../protocols/streams.ts'
import { createKeeper } from '../../../../node/tasks/claims/keeper.ts'
import type { Register } from '../../../../node/tasks/claims/registers/register-book.ts'
import { fakePeer } from '../../../mesh/parts/fake-identity.ts'
import { createSimClock } from '../../../mesh/parts/sim-clock.ts'
import { TASK } from '../../../protocols/samples.ts'

const peer = fakePeer(1)
const key = (index: number): NameKey => `@lock/${String(index).padStart(6, '0')}` as NameKey

function seat(registers: Map<RegisterKey, Register>) {
  const keeper = createKeeper(
    { clock: createSimClock(), persist: (_, done) => done(), taskOf: () => undefined, settledOf: () => undefined },
    { registers, ended: new Set() },
  )
  const prepare = (task: RegisterKey): KeeperAnswer | undefined => {
    let answered: KeeperAnswer | undefined
    keeper.prepare([{ task, ballot: [1, peer] }], ([item]) => (answered = item))
    return answered
  }
  return { keeper, prepare }
}

test('a seat answers for a name of which nobody signed anything, and for no unknown task', () => {
  const { prepare } = seat(new Map())
  expect(prepare('@lock/deploy' as NameKey)).toMatchObject({ ok: true })
  expect(prepare(TASK)).toMatchObject({ ok: false, unknown: true })
})

test('a seat that keeps its limit of names says so for a new one and goes on with those it knows', () => {
  const { prepare } = seat(new Map(Array.from({ length: NAMES_MAX - 1 }, (_, i) => [key(i), { promised: [0, ''] }])))
  expect(prepare(key(NAMES_MAX))).toMatchObject({ ok: true })
  expect(prepare(key(NAMES_MAX + 1))).toEqual({ task: key(NAMES_MAX + 1), ok: false, full: true })
  expect(prepare(key(3))).toMatchObject({ ok: true })
})

test('pages of registers hold few names, which may be large, and lose none', () => {
  const all = new Map<RegisterKey, Register>(Array.from({ length: 30 }, (_, i) => [key(i), { promised: [1, peer] }]))
  all.set(TASK, { promised: [1, peer] })
  const { keeper } = seat(new Map(all))
  const read: RegisterKey[] = []
  for (let page = keeper.registers('', 64); page.length > 0; page = keeper.registers(read.at(-1) ?? '', 64)) {
    expect(page.length).toBeLessThanOrEqual(NAME_BATCH_MAX + 1)
    read.push(...page.map((one) => one.task))
  }
  expect(read).toEqual([...all.keys()].sort())
})

test.each(['@lock/deploy', '@limit/gpu of the day', '@count/π', '@rate/api', `@lock/${'x'.repeat(128)}`])('%s is a name', (text) =>
  expect(isNameKey(text)).toBe(true),
)
test.each(['@lock/', '@door/deploy', 'lock/deploy', `@lock/${'x'.repeat(129)}`, '@lock/a\u0000b', '@lock/a\nb', '@lock/\ud800'])(
  '%j is no name',
  (text) => expect(isNameKey(text)).toBe(false),
)
