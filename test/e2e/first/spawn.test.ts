// `nimbus spawn`: more workers on one machine, by one command.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { RealMesh } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'

type Spawned = { workers: { name: string; peerId: string; pid: number; dataDir: string }[] }

let mesh: RealMesh | undefined
const pids: number[] = []
afterAll(async () => {
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  await mesh?.close()
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // gone
  }
}

test('three workers like this one join by themselves, take work, and end when told', { timeout: 90_000 }, async () => {
  mesh = await createRealMesh()
  const box = await mesh.add('box', ['--skill', 'gpu', '--slots', '1', '--label', 'zone=a'])
  const startedMs = performance.now()
  const { code, stdout, stderr } = await box.cli('spawn', '--count', '3', '--pool', 'web', '--json')
  expect(stderr).toContain('nimbus down --data')
  expect(code).toBe(0)
  const { workers } = JSON.parse(stdout) as Spawned
  pids.push(...workers.map(({ pid }) => pid))
  console.log(`spawn --count 3: ready after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
  expect(workers.map(({ name }) => name)).toEqual(['box-2', 'box-3', 'box-4'])
  await until(async () => (await box.mesh()).members.filter(({ state }) => state === 'alive').length === 4, { what: 'four workers' })
  const { members } = await box.mesh()
  for (const { peerId } of workers)
    expect(members.find((member) => member.peerId === peerId)).toMatchObject({
      skills: ['gpu'],
      slots: 1,
      labels: { zone: 'a' },
      pool: 'web',
    })
  const run = await box.cli('task', 'run', '--worker', 'box-3', '--', 'sh', '-c', 'echo $NIMBUS_WORKER')
  expect(run).toMatchObject({ code: 0, stdout: 'box-3\n' })
  const again = JSON.parse((await box.cli('spawn', '--from', 'box-2', '--json')).stdout) as Spawned
  pids.push(...again.workers.map(({ pid }) => pid))
  expect(again.workers.map(({ name }) => name)).toEqual(['box-2-2'])
  const first = workers[0]
  await box.cli('down', '--data', first?.dataDir ?? '')
  await until(() => !isAlive(first?.pid ?? 0), { what: 'the end of box-2' })
  await rm(join(first?.dataDir ?? '', '..'), { recursive: true, force: true })
})
