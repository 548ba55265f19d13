// Resources: what is too small for ever, what is taken for now, and who comes first among those that fit.
import { expect, test } from 'vitest'
import type { TaskSpec } from '../../../../protocols/records.ts'
import { createSeededRandom } from '../../../../node/kernel/random.ts'
import type { Offer } from '../../../../node/tasks/matching/match.ts'
import { isFree, mismatch, rank } from '../../../../node/tasks/matching/match.ts'
import { unreservedOf } from '../../../../node/tasks/matching/resources.ts'
import { fakePeer } from '../../../mesh/parts/fake-identity.ts'
import { alice, TASK } from '../../../protocols/samples.ts'

const total = { cpus: 4, memoryMb: 8_000, diskMb: 50_000, gpus: 1 }
const offer: Offer = {
  node: fakePeer(1),
  name: 'bob',
  alive: true,
  draining: false,
  mayRun: true,
  roles: [],
  skills: [],
  labels: {},
  pool: undefined,
  accept: [],
  slots: 4,
  freeSlots: 4,
  secrets: new Set(),
  resources: { total, unreserved: total, freeMemoryMb: 2_048 },
}
const author = { peer: alice.peerId, name: 'alice' }
const asking = (resources: TaskSpec['resources'], more: Partial<TaskSpec> = {}): TaskSpec => ({
  kind: 'shell',
  argv: ['true'],
  priority: 5,
  attempts: 1,
  resources,
  ...more,
})

test.each<[string, TaskSpec['resources'], string, string]>([
  ['cpus', { cpus: 5 }, 'it has 4 CPUs, 5 are needed', 'start a worker on a machine with more CPUs, or ask for less with --cpus'],
  [
    'memory',
    { memoryMb: 9_000 },
    'it has 8000 MB of memory, 9000 are needed',
    'start a worker on a machine with more memory, or ask for less with --memory',
  ],
  [
    'disk',
    { diskMb: 60_000 },
    'it has 50000 MB of disk, 60000 are needed',
    'start a worker on a machine with more disk, or ask for less with --disk',
  ],
  ['gpus', { gpus: 2 }, 'it has 1 GPUs, 2 are needed', 'start a worker on a machine with more GPUs, or ask for less with --gpus'],
  [
    'free-memory',
    { freeMemoryMb: 4_096 },
    '2048 MB of its memory are free, 4096 are needed',
    'wait until memory is free, or ask for less with --free-memory',
  ],
])('a machine that is too small says %s, why and the cure', (code, wanted, message, cure) => {
  expect(mismatch(asking(wanted), author, offer)).toEqual({ code, message, cure })
})

test('whatever is asked for: nobody who has less of anything fits, and everybody who has enough does', () => {
  const random = createSeededRandom(11)
  const upTo = (max: number): number => Math.floor(random.next() * (max + 1))
  for (let i = 0; i < 2_000; i++) {
    const wanted = { cpus: upTo(6), memoryMb: upTo(12_000), diskMb: upTo(70_000), gpus: upTo(2), freeMemoryMb: upTo(4_000) }
    const isEnough =
      wanted.cpus <= 4 && wanted.memoryMb <= 8_000 && wanted.diskMb <= 50_000 && wanted.gpus <= 1 && wanted.freeMemoryMb <= 2_048
    expect(mismatch(asking(wanted), author, offer) === undefined, JSON.stringify(wanted)).toBe(isEnough)
  }
})

test('running tasks reserve what they asked for, and a worker without enough left is passed over until they end', () => {
  const unreserved = unreservedOf(total, [{ cpus: 3 }, { memoryMb: 1_000 }, undefined])
  expect(unreserved).toEqual({ cpus: 1, memoryMb: 7_000, diskMb: 50_000, gpus: 1 })
  const busy = { ...offer, resources: { total, unreserved, freeMemoryMb: 2_048 } }
  expect(mismatch(asking({ cpus: 2 }), author, busy)).toBeUndefined()
  expect(isFree(asking({ cpus: 2 }), busy)).toBe(false)
  expect(isFree(asking({ cpus: 1 }), busy)).toBe(true)
  expect(rank(TASK, [busy, { ...offer, node: fakePeer(2) }], asking({ cpus: 2 }))).toEqual([fakePeer(2)])
})

test('a preferred label comes first while it has a slot, and excludes nobody', () => {
  const liked = { ...offer, node: fakePeer(3), labels: { zone: 'eu' } }
  for (let i = 0; i < 50; i++) {
    const spec = asking(undefined, { prefer: { zone: 'eu' } })
    const task = `${TASK.slice(0, -2)}${i}` as typeof TASK
    expect(rank(task, [offer, liked], spec)).toEqual([fakePeer(3), fakePeer(1)])
    expect(rank(task, [offer, { ...liked, freeSlots: 0 }], spec)).toEqual([fakePeer(1)])
  }
})

test('who has the repository already is first more often', () => {
  const spec = asking(undefined, { repo: 'https://example.org/a.git' })
  const holder = { ...offer, node: fakePeer(4), repo: 'https://example.org/a.git' }
  const firsts = Array.from({ length: 1_000 }, (_, i) => rank(`${TASK}${i}` as typeof TASK, [offer, holder], spec)[0])
  expect(firsts.filter((node) => node === holder.node).length).toBeGreaterThan(700)
})

test('workers that are alike share tasks fairly', () => {
  const pool = [1, 2, 3, 4].map((i) => ({ ...offer, node: fakePeer(i), pool: 'blue' }))
  const counts = new Map<string, number>()
  for (let i = 0; i < 4_000; i++) {
    const first = rank(`${TASK}${i}` as typeof TASK, pool, asking(undefined, { pool: 'blue' }))[0] ?? ''
    counts.set(first, (counts.get(first) ?? 0) + 1)
  }
  for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(200)
})
