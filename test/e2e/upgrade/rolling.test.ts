// Nimbus on Nimbus: five workers follow the repository of their own program, which they host themselves. A commit that an admin pushes goes through all of them, canary first, while tasks
// stream in; a commit that cannot start with the data of a worker is taken back by itself, says why, and goes no further.
// By hand: NIMBUS_UPGRADE_S=600, for ten minutes of load.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { UpgradeView } from '../../../protocols/http/upgrade.ts'
import type { MeshView } from '../../../protocols/http/views.ts'
import { createGitServer, type GitServer } from '../../support/git-http.ts'
import { createRealMesh, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { createWitness, startLoad, upMs, type Witness } from '../../support/witness.ts'
import { report, seated } from '../promises/promise-mesh.ts'
import { createOwnRepo, type OwnRepo, pushIntoMesh } from './own-repo.ts'

const WORKERS = 5
const CANARY = 'n3'
const LOAD_MS_MIN = Number(process.env['NIMBUS_UPGRADE_S'] ?? 0) * 1000
const PATIENCE_MS = 300_000

let mesh: RealMesh
let server: GitServer
let repo: OwnRepo
let witness: Witness
beforeAll(async () => {
  server = await createGitServer()
  mesh = await createRealMesh()
  repo = createOwnRepo(server, mesh.dir)
  for (let number = 1; number <= WORKERS; number++) {
    const name = `n${number}`
    await mkdir(join(mesh.dir, name), { mode: 0o700 })
    const upgrade = { follow: 'nimbus://mesh/nimbus#main', every: '1s', drain: '30s', canary: name === CANARY }
    await writeFile(join(mesh.dir, name, 'nimbus.config.json'), JSON.stringify({ upgrade }))
    await mesh.add(name, ['--slots', '2'], repo.place)
  }
  await mesh.settled()
  await seated(mesh.nodes, 5)
  const { code, stderr } = await nodeOf('n1').cli('repo', 'host', 'nimbus', '--from', repo.bare)
  if (code !== 0) throw new Error(stderr)
  witness = createWitness(mesh)
}, PATIENCE_MS)
afterAll(async () => {
  await mesh?.close()
  await server?.close()
})

const view = async (node: RealNode): Promise<UpgradeView> => (await node.api<UpgradeView>('/api/upgrade')).body
/** Undefined while it is away. */
const seen = (node: RealNode): Promise<UpgradeView | undefined> => view(node).catch(() => undefined) // between two versions nobody answers
const nodeOf = (name: string): RealNode => mesh.nodes.find((node) => node.name === name) as RealNode
/** What each says of itself; a worker that is away says nothing. */
async function views(): Promise<Map<string, UpgradeView>> {
  const found = await Promise.all(mesh.nodes.map(async (node) => [node.name, await seen(node)] as const))
  return new Map(found.flatMap(([name, one]) => (one === undefined ? [] : [[name, one]])))
}
async function logs(): Promise<string> {
  const texts = await Promise.all(
    mesh.nodes.map(({ dataDir, name }) => readFile(join(dataDir, 'node.log'), 'utf8').then((text) => `${name}\n${text.slice(-3_000)}`)),
  )
  return texts.join('\n')
}

/** Pushes a commit and waits until all run it, in the order in which they came to it. */
async function oneRound(number: number): Promise<{ next: string; order: string[]; seconds: number }> {
  const startMs = upMs()
  const next = repo.commit(`version ${number}`, { 'NEXT.md': `${number}\n` })
  pushIntoMesh(repo, nodeOf('n1'))
  const order: string[] = []
  await until(
    async () => {
      for (const [name, one] of await views()) if (one.running === next && one.phase === 'done' && !order.includes(name)) order.push(name)
      return order.length === WORKERS
    },
    { what: `all workers to run version ${number}`, timeoutMs: PATIENCE_MS - 60_000, intervalMs: 200 },
  ).catch(async (error: unknown) => {
    process.stdout.write(`${JSON.stringify(Object.fromEntries(await views()), undefined, 1)}\n${await logs()}\n`)
    throw error
  })
  return { next, order, seconds: (upMs() - startMs) / 1000 }
}

/** From the order to end until the next process was healthy, by the node's own log. */
async function switchesOf({ dataDir }: RealNode): Promise<{ fromMs: number; toMs: number }[]> {
  const lines = (await readFile(join(dataDir, 'node.log'), 'utf8')).split('\n').filter((line) => line.includes('"msg":"upgrade"'))
  const steps = lines.map((line) => JSON.parse(line) as { phase: string; time: number })
  const ends = steps.filter(({ phase }) => phase === 'done')
  return steps
    .filter(({ phase }) => phase === 'switching')
    .map(({ time }, index) => ({ fromMs: time, toMs: ends[index]?.time ?? Infinity }))
}

test('a pushed commit goes through five workers under load, canary first: no task fails, none counts twice', {
  timeout: PATIENCE_MS + LOAD_MS_MIN,
}, async () => {
  const pids = mesh.nodes.map(({ ready }) => ready.pid)
  const load = startLoad(witness, () => mesh.nodes, 500)
  const startMs = upMs()
  const rounds: { next: string; order: string[]; seconds: number }[] = []
  do rounds.push(await oneRound(rounds.length + 1))
  while (upMs() - startMs < LOAD_MS_MIN)
  await load.stop()
  const broken = await witness.judge(mesh.nodes, 60_000)
  const { tasks } = await nodeOf('n1')
    .api<MeshView>('/api/mesh')
    .then(({ body }) => body)
  const epochs = (await witness.lines()).filter(({ word }) => word === 'start')
  report('rolling upgrade', {
    workers: WORKERS,
    commits: rounds.length,
    's until all': rounds.map(({ seconds }) => Math.round(seconds)).join(' '),
    order: rounds.map(({ order }) => order.join('-')).join(' '),
    's of load': (upMs() - startMs) / 1000,
    ...witness.counts,
    succeeded: tasks.succeeded,
    'runs again': epochs.filter(({ epoch }) => epoch > 1).length,
  })
  expect(broken).toEqual([])
  expect({ failed: tasks.failed, dead: tasks.dead }).toEqual({ failed: 0, dead: 0 })
  expect(witness.counts.acknowledged).toBeGreaterThan(20)
  expect(rounds.map(({ order }) => order[0])).toEqual(rounds.map(() => CANARY))
  // One at a time: nobody ends for the next version before the one before is healthy again.
  const switches = (await Promise.all(mesh.nodes.map(switchesOf))).flat().toSorted((a, b) => a.fromMs - b.fromMs)
  expect(switches).toHaveLength(WORKERS * rounds.length)
  switches.forEach(({ fromMs }, index) => expect(fromMs).toBeGreaterThanOrEqual(switches[index - 1]?.toMs ?? 0))
  // Each is another process now, at its old address, and everybody knows what it runs.
  const members = (await nodeOf('n1').mesh()).members
  expect(members.map(({ commit }) => commit)).toEqual(Array(WORKERS).fill(rounds.at(-1)?.next))
  const files = await Promise.all(
    mesh.nodes.map(async ({ dataDir }) => JSON.parse(await readFile(join(dataDir, 'node.json'), 'utf8')) as { pid: number }),
  )
  files.forEach(({ pid }, index) => expect(pid).not.toBe(pids[index]))
  // One worker built the dashboard, the others took what it built.
  expect(new Set(await Promise.all(mesh.nodes.map(({ ready }) => fetch(ready.http).then(({ status }) => status))))).toEqual(new Set([200]))
})

test('a commit that cannot start with the data of a worker is taken back by itself, says why, and stops there', {
  timeout: PATIENCE_MS,
}, async () => {
  const before = (await view(nodeOf('n1'))).running
  const file = await readFile(join(repo.work, 'node/data-folder.ts'), 'utf8')
  const bad = repo.commit('a version that fears old data', {
    'node/data-folder.ts': file.replace(
      'export async function checkDataFolder(dir: string): Promise<void> {',
      "$&\n  if (await stat(`${dir}/versions/pointer.json`).catch(() => undefined)) throw new Error('the fold cannot be read back')",
    ),
  })
  pushIntoMesh(repo, nodeOf('n1'))
  let goneMs = 0
  const canary = nodeOf(CANARY)
  const fallen = await until(
    async () => {
      const one = await seen(canary)
      if (one === undefined && goneMs === 0) goneMs = upMs()
      return one?.phase === 'rolled-back' ? one : undefined
    },
    { what: 'the canary to be back', timeoutMs: PATIENCE_MS - 60_000, intervalMs: 50 },
  ).catch(async (error: unknown) => {
    process.stdout.write(`${JSON.stringify(Object.fromEntries(await views()), undefined, 1)}\n${await logs()}\n`)
    throw error
  })
  const tookMs = upMs() - goneMs
  report('roll-back', { 's from its end to the old version': tookMs / 1000 })
  expect(fallen).toMatchObject({ running: before, target: bad, reason: expect.stringContaining('the fold cannot be read back') as string })
  const others = mesh.nodes.filter(({ name }) => name !== CANARY)
  await until(async () => (await Promise.all(others.map(view))).every(({ phase }) => phase === 'refused'), {
    what: 'the others to refuse it',
    timeoutMs: 60_000,
  })
  for (const one of await Promise.all(others.map(view)))
    expect(one).toMatchObject({ running: before, reason: expect.stringContaining(`${CANARY} took it and rolled back`) as string })
  const { code, stdout } = await canary.cli('upgrade', 'status')
  expect(code).toBe(0)
  expect(stdout).toContain('rolled-back')
  expect(stdout).toContain('the fold cannot be read back')
})
