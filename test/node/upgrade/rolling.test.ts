// The rolling upgrade as rules: many seeds, any order of steps, deaths and failures at any moment.
import { expect, test } from 'vitest'
import { createMesh, type Mesh } from './worker-model.ts'

const SEEDS = 300
const STEPS_MAX = 4_000
const NOTHING: ReadonlySet<string> = new Set()

function settle(mesh: Mesh, look: () => void = () => {}): void {
  for (let quiet = 0, steps = 0; quiet < 60; steps++) {
    if (steps > STEPS_MAX)
      throw new Error(`no rest after ${STEPS_MAX} steps: ${JSON.stringify(mesh.workers.map(({ state }) => [state.phase, state.reason]))}`)
    quiet = mesh.step() ? 0 : quiet + 1
    look()
  }
}

test.each([1, 2, 3, 5, 7])('of %i workers never two are down for a switch, the canary is first, and all arrive', (size) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const mesh = createMesh(seed, size, { breaks: NOTHING, unbuildable: NOTHING, faults: true })
    mesh.push('c1')
    settle(mesh, () => expect(mesh.downNow(), `seed ${seed}`).toBeLessThanOrEqual(1))
    mesh.push('c2')
    settle(mesh, () => expect(mesh.downNow(), `seed ${seed}`).toBeLessThanOrEqual(1))
    expect(
      mesh.workers.map(({ state }) => state.running),
      `seed ${seed}`,
    ).toEqual(Array(size).fill('c2'))
  }
})

test('a commit that breaks the start is started by nobody for good, and after one roll-back nobody else tries it', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const mesh = createMesh(seed, 5, { breaks: new Set(['bad']), unbuildable: NOTHING, faults: false })
    mesh.push('bad')
    let falls = 0
    const seen = new Set<string>()
    settle(mesh, () => {
      for (const { peer, fallen } of mesh.workers) if (fallen !== undefined) seen.add(peer)
      falls = seen.size
    })
    expect(falls, `seed ${seed}`).toBe(1)
    expect(mesh.workers.filter(({ state }) => state.phase === 'refused').every(({ state }) => state.reason?.includes('rolled back'))).toBe(
      true,
    )
    mesh.push('good')
    settle(mesh)
    expect(
      mesh.workers.map(({ state }) => state.running),
      `seed ${seed}`,
    ).toEqual(Array(5).fill('good'))
  }
})

test('a commit that cannot be proven is refused by the canary, and then by all', () => {
  const mesh = createMesh(1, 5, { breaks: NOTHING, unbuildable: new Set(['bad']), faults: false })
  mesh.push('bad')
  settle(mesh)
  expect(mesh.workers.map(({ state }) => state.phase)).toEqual(Array(5).fill('refused'))
  expect(mesh.workers.map(({ state }) => state.running)).toEqual(Array(5).fill('c0'))
  expect(mesh.started).toEqual([])
  // What failed is not tried again by itself, but by hand.
  mesh.order(0, { on: 'now' })
  expect(mesh.workers[0]?.state.phase).toBe('fetching')
})

test('a paused worker stays, and follows when it is resumed; a roll-back by hand is not undone by the same head', () => {
  const mesh = createMesh(7, 3, { breaks: NOTHING, unbuildable: NOTHING, faults: false })
  mesh.order(2, { on: 'pause' })
  mesh.push('c1')
  settle(mesh)
  expect(mesh.workers.map(({ state }) => state.running)).toEqual(['c1', 'c1', 'c0'])
  mesh.order(2, { on: 'resume' })
  settle(mesh)
  expect(mesh.workers.map(({ state }) => state.running)).toEqual(['c1', 'c1', 'c1'])
  mesh.order(1, { on: 'rollback', to: 'c0' })
  settle(mesh)
  expect(mesh.workers.map(({ state }) => state.running)).toEqual(['c1', 'c0', 'c1'])
})
