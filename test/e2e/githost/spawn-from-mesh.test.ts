// The mesh as the only source of its own program: with the place where the repository came from gone, and no package registry in reach, a
// new worker is cloned from peers, built, and joins; the next ones start from what is kept.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGitServer } from '../../support/git-http.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh, runCli } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'
import { createOwnRepo } from '../upgrade/own-repo.ts'
import { commit, must } from './git-beside.ts'

type Spawned = { workers: { name: string; peerId: string; pid: number; dataDir: string }[] }

const gitTool = requirement('git')
/** Nothing listens there. */
const NOWHERE = 'http://127.0.0.1:9'
const ALONE = { npm_config_registry: NOWHERE, http_proxy: NOWHERE, https_proxy: NOWHERE, no_proxy: '127.0.0.1' }
let mesh: RealMesh
let box: RealNode
let attic: RealNode
const pids: number[] = []

beforeAll(async () => {
  mesh = await createRealMesh()
  box = await mesh.add('box')
  attic = await mesh.add('attic', ['--skill', 'gpu'])
  await mesh.settled()
}, 120_000)
afterAll(async () => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it was stopped
    }
  }
  await mesh.close()
})

async function spawn(...args: string[]): Promise<{ workers: Spawned['workers']; seconds: number }> {
  const startMs = performance.now()
  const ran = await runCli(['spawn', '--json', ...args], { dataDir: box.dataDir, env: ALONE, timeoutMs: 300_000 })
  expect(ran, ran.stderr).toMatchObject({ code: 0 })
  const { workers } = JSON.parse(ran.stdout) as Spawned
  pids.push(...workers.map(({ pid }) => pid))
  return { workers, seconds: (performance.now() - startMs) / 1000 }
}

describe.skipIf(!gitTool.present)(gitTool.title('spawning from the mesh'), () => {
  test('a new worker clones, builds and joins with the mesh alone, at the commit that was pushed into it', {
    timeout: 300_000,
  }, async () => {
    const origin = await createGitServer()
    const repo = createOwnRepo(origin, mesh.dir)
    const begun = await attic.cli('repo', 'host', 'nimbus', '--from', repo.url)
    await origin.close()
    expect(begun, begun.stderr).toMatchObject({ code: 0 })
    const work = join(mesh.dir, 'work')
    await must(box, mesh.dir, 'clone', '-q', 'nimbus://mesh/nimbus', work)
    const pushed = await commit(box, work, 'NEXT.md', 'Next.\n')
    await must(box, work, 'push', '-q', 'origin', 'main')

    const { workers, seconds } = await spawn('--from', 'attic', '--code', 'nimbus://attic/nimbus')
    const [first] = workers
    await until(async () => (await box.mesh()).members.filter(({ state }) => state === 'alive').length === 3, { what: 'the new worker' })
    const member = (await box.mesh()).members.find(({ peerId }) => peerId === first?.peerId)
    expect(member).toMatchObject({ commit: pushed, skills: ['gpu'] })
    const run = await box.cli('task', 'run', '--worker', first?.name ?? '', '--', 'sh', '-c', 'echo $NIMBUS_WORKER')
    expect(run).toMatchObject({ code: 0, stdout: `${first?.name}\n` })

    const three = await spawn('--from', first?.name ?? '', '--count', '3')
    await until(async () => (await box.mesh()).members.filter(({ state }) => state === 'alive').length === 6, { what: 'three more' })
    const commits = (await box.mesh()).members
      .filter(({ peerId }) => three.workers.some((one) => one.peerId === peerId))
      .map((one) => one.commit)
    expect(commits).toEqual([pushed, pushed, pushed])
    process.stdout.write(
      `spawn from the mesh: clone, build, join ${seconds.toFixed(1)} s; three more from what is kept ${three.seconds.toFixed(1)} s\n`,
    )
  })
})
