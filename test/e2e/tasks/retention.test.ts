// The files of a task on a real node with a short retention: readable, then gone with an answer that says why, while the same bytes
// stay for as long as a newer task names them.
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Problem } from '../../../protocols/http/views.ts'
import { createRealMesh, runCli, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, publish } from '../promises/promise-mesh.ts'

const RETENTION = '6s'
let mesh: RealMesh
let brief: RealNode
beforeAll(async () => {
  mesh = await createRealMesh()
  brief = await mesh.add('brief', ['--slots', '4', '--retention', RETENTION])
})
afterAll(() => mesh?.close())

const make = async (node: RealNode, worker: string): Promise<{ id: string; artifact: string; log: string }> => {
  const id = await publish(node, { argv: ['sh', '-c', 'echo said; echo same >file'], artifacts: ['file'], worker })
  const { result } = await ended(node, id)
  return { id, artifact: result?.artifacts?.[0]?.hash ?? '', log: result?.log?.hash ?? '' }
}
const read = async (node: RealNode, path: string): Promise<{ status: number; text: string; problem?: Problem }> => {
  const response = await fetch(node.ready.http + path, { headers: { authorization: `Bearer ${node.token}` } })
  const text = await response.text()
  return { status: response.status, text, ...(response.ok ? {} : { problem: JSON.parse(text) as Problem }) }
}
const onDisk = (node: RealNode, hash: string) =>
  stat(join(node.dataDir, 'blobs', hash.slice(0, 2), hash)).then(
    () => true,
    () => false,
  )

test('output and files are there, then gone by name; a newer task that made the same bytes keeps them', async () => {
  const first = await make(brief, 'brief')
  expect([(await read(brief, `/api/tasks/${first.id}/log`)).text, (await read(brief, `/api/artifacts/${first.artifact}`)).text]).toEqual([
    'said\n',
    'same\n',
  ])
  const gone = await until(
    async () => {
      expect((await make(brief, 'brief')).artifact).toBe(first.artifact)
      const answer = await read(brief, `/api/tasks/${first.id}/log`)
      return answer.status === 200 ? undefined : answer
    },
    { what: 'the first log to go', timeoutMs: 60_000, intervalMs: 500 },
  )
  expect(gone.problem).toMatchObject({
    status: 404,
    code: 'log-expired',
    detail: 'The log of attempt 1 was removed after its retention of 6s.',
    cure: expect.stringContaining('nimbus up --retention 30d') as string,
  })
  expect(await read(brief, `/api/artifacts/${first.artifact}`)).toMatchObject({ status: 200, text: 'same\n' })
  expect(await onDisk(brief, first.log)).toBe(false)

  const unnamed = await until(
    async () => {
      const answer = await read(brief, `/api/artifacts/${first.artifact}`)
      return answer.status === 200 ? undefined : answer
    },
    { what: 'the file to go', timeoutMs: 60_000 },
  )
  expect(unnamed.problem).toMatchObject({ status: 404, code: 'artifact-expired' })
  expect(unnamed.problem?.detail).toContain('removed after its retention of 6s')

  const logs = await brief.cli('task', 'logs', first.id)
  expect([logs.code, logs.stdout]).toEqual([3, ''])
  expect(logs.stderr).toContain('was removed after its retention of 6s')
  expect(logs.stderr).toContain('--retention 30d')
  const followed = await brief.cli('task', 'logs', '-f', first.id)
  expect([followed.code, followed.stderr]).toEqual([3, expect.stringContaining('was removed after its retention of 6s')])
  const fetched = await brief.cli('artifact', 'get', first.id, '-o', join(mesh.dir, 'out'))
  expect([fetched.code, fetched.stderr]).toEqual([3, expect.stringContaining('was removed after its retention of 6s')])
  const shown = await brief.cli('task', 'show', first.id)
  expect(shown).toMatchObject({ code: 0, stderr: '' })
  expect(shown.stdout).toMatch(/^state +succeeded$/m)
})

test('a file that was brought and is not used yet stays, also over a restart', async () => {
  const response = await fetch(`${brief.ready.http}/api/blobs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${brief.token}`, 'content-type': 'application/octet-stream' },
    body: 'brought',
  })
  const { hash, size } = (await response.json()) as { hash: string; size: number }
  await brief.stop()
  await brief.restart()
  const other = await make(brief, 'brief')
  await until(async () => !(await onDisk(brief, other.log)), { what: 'a sweep', timeoutMs: 60_000 })
  expect(await readFile(join(brief.dataDir, 'blobs', hash.slice(0, 2), hash), 'utf8')).toBe('brought')
  const id = await publish(brief, { argv: ['cat'], stdin: { hash, size } })
  expect((await ended(brief, id)).state).toBe('succeeded')
})

test('a node that keeps files longer still gives them, and where none does the worker says that it removed them', async () => {
  const author = await mesh.add('author')
  await mesh.settled()
  const { id, log } = await make(author, 'brief')
  await until(() => onDisk(author, log), { what: 'the copy at the author', timeoutMs: 60_000 })
  await until(async () => !(await onDisk(brief, log)), { what: 'the sweep of the worker', timeoutMs: 60_000 })
  expect(await read(brief, `/api/tasks/${id}/log`)).toMatchObject({ status: 200, text: 'said\n' })

  await rm(join(author.dataDir, 'blobs', log.slice(0, 2), log))
  await until(async () => !(await onDisk(brief, log)), { what: 'the next sweep of the worker', timeoutMs: 60_000 })
  const { problem } = await read(author, `/api/tasks/${id}/log`)
  expect(problem).toMatchObject({ status: 404, code: 'log-expired', detail: 'The log of attempt 1 was removed after its retention of 6s.' })
})

test.each(['soon', '0s', '-1d', '500ms'])('--retention %s is refused by name', async (value) => {
  const done = await runCli(['up', `--retention=${value}`, '--data', join(mesh.dir, 'refused')])
  expect(done.code).toBe(2)
  expect(done.stderr).toContain('etention')
})
