// Secrets between real nodes: only the worker that runs a task which names one ever has its value, and nobody shows it.
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SecretView } from '../../../protocols/http/secrets.ts'
import { BIN, createRealMesh, runCli, type CliResult, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, publish, running, taskWhere } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let here: RealNode
let there: RealNode
let third: RealNode
beforeAll(async () => {
  mesh = await createRealMesh()
  here = await mesh.add('here')
  there = await mesh.add('there')
  third = await mesh.add('third')
  await mesh.settled()
})
afterAll(() => mesh?.close())

const CANARY = `canary-${randomBytes(12).toString('hex')}`
const set = (node: RealNode, name: string, value: string, ...more: string[]): Promise<CliResult> =>
  runCli(['secret', 'set', name, ...more], { dataDir: node.dataDir, input: value })
const secrets = async (node: RealNode): Promise<SecretView[]> => (await node.api<{ items: SecretView[] }>('/api/secrets')).body.items

test('a secret is set on one node, read by a task on the worker that may, and masked in its output', async () => {
  expect(await set(here, 'API_KEY', `${CANARY}\n`, '--worker', 'there')).toMatchObject({
    code: 0,
    stdout: 'API_KEY is version 1; there may open it.\n',
  })
  // Waits where it stands: the value itself must reach the command, not its mask.
  const script = `printf '%s' "$API_KEY" | wc -c; echo "is $API_KEY!"; printf '%s' "$API_KEY" | cut -c1-20; echo "$API_KEY" >&2; node "${BIN}" task progress "with $API_KEY"`
  const done = await here.cli('task', 'run', '--secret', 'API_KEY', '--', 'sh', '-c', script)
  expect(done).toMatchObject({ code: 0, stdout: `${CANARY.length}\nis ***!\n${CANARY.slice(0, 20)}\n` })
  expect(done.stderr).toContain('***')
  expect(done.stdout + done.stderr).not.toContain(CANARY)
  const [latest] = (await here.api<{ items: { attempts: { workerName: string }[] }[] }>('/api/tasks?limit=1')).body.items
  expect(latest?.attempts.map(({ workerName }) => workerName)).toEqual(['there'])
})

test('the value is in no data folder in the clear, in no answer and in no list of processes', async () => {
  const id = await publish(here, { argv: ['sh', '-c', 'echo "$API_KEY"; sleep 60'], secrets: ['API_KEY'] })
  await running(here, id)
  await until(async () => (await there.cli('task', 'logs', id)).stdout.includes('***'), { what: 'its first line' })
  for (const node of mesh.nodes) {
    expect(await holders(node.dataDir), `files of ${node.name}`).toEqual([])
    for (const path of ['/api/secrets', `/api/tasks/${id}`, `/api/tasks/${id}/log`, '/api/mesh', '/api/tasks']) {
      const answer = await fetch(node.ready.http + path, { headers: { authorization: `Bearer ${node.token}` } })
      expect(await answer.text(), path).not.toContain(CANARY)
    }
  }
  const lines = await Promise.all((await readdir('/proc')).map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')))
  expect(lines.filter((line) => line.includes(CANARY))).toEqual([])
  await here.cli('task', 'cancel', id)
})

test('a task whose secret no fitting worker may open waits, says so, and runs when it is granted from any node', async () => {
  const id = await publish(here, { argv: ['sh', '-c', 'test -n "$API_KEY"'], secrets: ['API_KEY'], worker: 'third' })
  const task = await taskWhere(here, id, ({ waiting }) => waiting?.code === 'secret', 'waiting for its secret')
  expect(task.waiting?.message).toContain('third: it may not open the secret API_KEY')
  expect(task.waiting?.cure).toContain('nimbus secret grant API_KEY --worker third')
  // Here may not open it either: the node that may is asked.
  expect(await here.cli('secret', 'grant', 'API_KEY', '--worker', 'third')).toMatchObject({
    code: 0,
    stdout: 'there, third may open API_KEY.\n',
  })
  expect((await ended(here, id)).state).toBe('succeeded')
})

test('a secret that is set again has the new value, and one that is removed is gone', async () => {
  const read = async (): Promise<CliResult> =>
    third.cli('task', 'run', '--secret', 'ROTATED', '--', 'sh', '-c', 'printf %s "$ROTATED" | wc -c')
  expect(await set(here, 'ROTATED', 'first')).toMatchObject({ code: 0 })
  expect((await read()).stdout).toBe('5\n')
  expect(await set(there, 'ROTATED', 'second one')).toMatchObject({ code: 0 })
  expect((await read()).stdout).toBe('10\n')
  const listed = (await secrets(here)).find(({ name }) => name === 'ROTATED')
  expect(listed).toMatchObject({ version: 2, by: 'there', workers: ['here', 'there', 'third'] })
  expect(await third.cli('secret', 'rm', 'ROTATED')).toMatchObject({ code: 0 })
  await until(async () => (await secrets(here)).every(({ name }) => name !== 'ROTATED'), { what: 'its end here' })
  expect(await third.cli('secret', 'rm', 'ROTATED')).toMatchObject({ code: 3 })
})

test('a secret survives the restart of its worker', async () => {
  await there.kill()
  await there.restart()
  await mesh.settled()
  const done = await here.cli('task', 'run', '--worker', 'there', '--secret', 'API_KEY', '--', 'sh', '-c', 'printf %s "$API_KEY" | wc -c')
  expect(done.stdout).toBe(`${CANARY.length}\n`)
})

test('a wrong name, an empty value and an unknown worker are refused by name', async () => {
  expect(await set(here, 'not a name', 'value')).toMatchObject({ code: 2 })
  expect(await set(here, 'NIMBUS_TOKEN', 'value')).toMatchObject({ code: 2 })
  expect(await set(here, 'EMPTY', '')).toMatchObject({ code: 2 })
  const unknown = await set(here, 'NAME', 'value', '--worker', 'nobody')
  expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining('There is no worker nobody.')])
  const token = await here.cli('task', 'run', '--', 'sh', '-c', `node "${BIN}" secret ls`)
  expect(token.code).toBe(4)
})

/** Files below a folder that hold the canary; LevelDB compresses, so its value could hide there only from a search, which `store` tests. */
async function holders(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const found = await Promise.all(
    files.map(async (file) => ((await readFile(file).catch(() => Buffer.alloc(0))).includes(CANARY) ? [file] : [])),
  )
  return found.flat()
}
