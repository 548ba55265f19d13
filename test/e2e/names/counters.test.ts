// Counters through CLI and REST on real nodes: every call counts once, and every node shows the sum.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CounterView } from '../../../protocols/http/names.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { meshOf } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let nodes: RealNode[]

beforeAll(async () => {
  mesh = await meshOf(3)
  nodes = mesh.nodes
}, 120_000)
afterAll(() => mesh?.close())

const add = (node: RealNode, name: string, by: number) =>
  node.api<CounterView>(`/api/counters/${name}/add`, { body: { by } }).then(({ status, body }) => ({ status, ...body }))

test('calls at three nodes at once count once each', async () => {
  const answers = await Promise.all(nodes.flatMap((node) => Array.from({ length: 10 }, () => add(node, 'hits', 1))))
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200))
  // A call whose first answer was lost tells the sum of later: so two may tell the same, but none has counted twice.
  expect(Math.max(...answers.map((answer) => answer.value))).toBe(30)
  expect(Math.min(...answers.map((answer) => answer.value))).toBeGreaterThan(0)
  for (const node of nodes) {
    await until(async () => (await node.api<CounterView>('/api/counters/hits')).body.value === 30, {
      what: `30 at ${node.name}`,
      timeoutMs: 20_000,
    })
  }
}, 120_000)

test('the CLI adds, takes away, shows and lists', async () => {
  expect((await nodes[0]!.cli('counter', 'add', 'builds')).stdout).toBe('1\n')
  expect((await nodes[1]!.cli('counter', 'add', 'builds', '5')).stdout).toBe('6\n')
  expect((await nodes[2]!.cli('counter', 'add', 'builds', '--', '-2')).stdout).toBe('4\n')
  expect((await nodes[2]!.cli('counter', 'show', 'builds')).stdout).toBe('4\n')
  expect((await nodes[2]!.cli('counter', 'ls')).stdout).toMatch(/builds +4/)
  expect(await nodes[0]!.cli('counter', 'show', 'nothing')).toMatchObject({ code: 3 })
  expect(await nodes[0]!.cli('counter', 'add', 'builds', 'x')).toMatchObject({ code: 2 })
}, 120_000)

test('what does not fit a number is refused and has not counted', async () => {
  await add(nodes[0]!, 'large', Number.MAX_SAFE_INTEGER)
  expect(await add(nodes[1]!, 'large', 1)).toMatchObject({ status: 400, code: 'counter-overflow' })
  expect((await nodes[0]!.api<CounterView>('/api/counters/large')).body.value).toBe(Number.MAX_SAFE_INTEGER)
}, 60_000)
