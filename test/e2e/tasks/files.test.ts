// What a task is given and what it leaves, between real nodes: a shipped folder, stdin, artifacts, and the results of the tasks
// before it. Everything is published on one node and runs on another.
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ArtifactView, TaskView } from '../../../protocols/http/views.ts'
import { createRealMesh, runCli, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let here: RealNode
let there: RealNode
let dir: string
beforeAll(async () => {
  mesh = await createRealMesh()
  here = await mesh.add('here')
  there = await mesh.add('there')
  await mesh.settled()
  dir = await mkdtemp(join(tmpdir(), 'nimbus-files-'))
})
afterAll(async () => {
  await mesh?.close()
  await rm(dir, { recursive: true, force: true })
})

const ON = ['--worker', 'there']
const sha = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')
const idOf = (stdout: string): string => stdout.trim()

test('--dir ships a folder: hidden files, links inside, executables and a large file arrive as they were', async () => {
  const folder = join(dir, 'ship')
  await mkdir(join(folder, 'deep', 'empty'), { recursive: true })
  const large = randomBytes(3_000_000)
  await writeFile(join(folder, 'large.bin'), large)
  await writeFile(join(folder, '.hidden'), 'hidden\n')
  await writeFile(join(folder, 'run.sh'), '#!/bin/sh\necho ran; cat .hidden; cat link; ls -d deep/empty; sha256sum large.bin\n', {
    mode: 0o755,
  })
  await symlink('.hidden', join(folder, 'link'))
  const done = await here.cli('task', 'run', ...ON, '--dir', folder, '--', './run.sh')
  expect(done).toMatchObject({ code: 0, stdout: `ran\nhidden\nhidden\ndeep/empty\n${sha(large)}  large.bin\n` })
  expect(done.stderr).toMatch(/^nimbus: shipping 3 files, 3\.0 MB$/m)
})

test.each([
  [
    'a link out of it',
    async (folder: string) => symlink('../outside', join(folder, 'out')),
    '"out": it is a link out of the folder (to ../outside)',
  ],
  ['an absolute link', async (folder: string) => symlink('/etc/passwd', join(folder, 'abs')), '"abs": it is a link out of the folder'],
])('--dir refuses %s by name, and publishes nothing', async (_what, spoil, words) => {
  const folder = await mkdtemp(join(dir, 'bad-'))
  await spoil(folder)
  const before = (await here.api<{ items: TaskView[] }>('/api/tasks')).body.items.length
  const done = await here.cli('task', 'run', '--dir', folder, '--', 'true')
  expect(done).toMatchObject({ code: 2, stdout: '' })
  expect(done.stderr).toContain(words)
  expect((await here.api<{ items: TaskView[] }>('/api/tasks')).body.items).toHaveLength(before)
})

test('--dir of a folder that is not there is refused by name', async () => {
  const done = await here.cli('task', 'publish', '--dir', join(dir, 'nowhere'), '--', 'true')
  expect(done.code).toBe(2)
  expect(done.stderr).toContain('nowhere')
})

test('--stdin hands the bytes of stdin to the command', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at)).toString('latin1')
  const input = `${bytes}line\n`
  const done = await runCli(['task', 'run', ...ON, '--stdin', '--', 'sha256sum'], { dataDir: here.dataDir, input })
  expect(done).toMatchObject({ code: 0, stdout: `${sha(input)}  -\n` })
})

test('a command that is missing ends with 127 also where it has stdin', async () => {
  const done = await runCli(['task', 'run', '--stdin', '--', 'no-such-command'], { dataDir: here.dataDir, input: 'x' })
  expect(done.code).toBe(127)
})

test('--artifact keeps the files that match, and any node lists and gives them', async () => {
  const script = 'mkdir -p dist/deep; echo one >dist/one.txt; echo two >dist/deep/two.txt; echo no >other; ln -s /etc/passwd dist/link'
  const id = idOf((await here.cli('task', 'publish', ...ON, '--artifact', 'dist/**', '--', 'sh', '-c', script)).stdout)
  const task = await ended(here, id)
  expect(task.result?.artifacts?.map(({ path }) => path)).toEqual(['dist/deep/two.txt', 'dist/one.txt'])
  const listed = await here.cli('artifact', 'ls', id, '--json')
  const items = listed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ArtifactView)
  expect(items).toEqual(task.result?.artifacts)
  const out = join(dir, 'out')
  expect(await here.cli('artifact', 'get', id, '-o', out)).toMatchObject({ code: 0 })
  expect(await readFile(join(out, 'dist/deep/two.txt'), 'utf8')).toBe('two\n')
  expect(await here.cli('artifact', 'get', id, 'dist/three.txt', '-o', out)).toMatchObject({ code: 3 })
  const one = items.find(({ path }) => path === 'dist/one.txt')?.hash
  for (const node of mesh.nodes) {
    const answer = await fetch(`${node.ready.http}/api/artifacts/${one}`, { headers: { authorization: `Bearer ${node.token}` } })
    expect([answer.status, await answer.text()]).toEqual([200, 'one\n'])
  }
})

test('a success that cannot keep its artifacts is none, and says the limit', async () => {
  const id = idOf(
    (await here.cli('task', 'publish', ...ON, '--artifact', '*', '--', 'sh', '-c', 'for i in $(seq 300); do echo >f$i; done')).stdout,
  )
  const task = await ended(here, id)
  expect([task.state, task.result?.error]).toEqual(['failed', 'Its artifacts cannot be kept: 300 files match; the limit is 256.'])
})

test('a task finds what the tasks before it left', async () => {
  const first = idOf(
    (await here.cli('task', 'publish', ...ON, '--artifact', 'out/*', '--', 'sh', '-c', 'mkdir out; echo from first >out/file; exit 0'))
      .stdout,
  )
  await ended(here, first)
  const script = `cat $NIMBUS_INPUTS/${first}/files/out/file; cat $NIMBUS_INPUTS/${first}/result.json`
  const done = await here.cli('task', 'run', '--worker', 'here', '--after', first, '--', 'sh', '-c', script)
  expect(done.code).toBe(0)
  const [line = '', ...rest] = done.stdout.split('\n')
  expect(line).toBe('from first')
  expect(JSON.parse(rest.join('\n'))).toMatchObject({ id: first, state: 'succeeded', exitCode: 0, artifacts: [{ path: 'out/file' }] })
})

test('the files of a task are there after its worker is gone for good', async () => {
  const third = await mesh.add('third')
  await mesh.settled()
  const id = idOf((await here.cli('task', 'publish', '--worker', 'third', '--artifact', 'a', '--', 'sh', '-c', 'echo kept >a')).stdout)
  const hash = (await ended(here, id)).result?.artifacts?.[0]?.hash ?? ''
  await until(() => readFile(join(here.dataDir, 'blobs', hash.slice(0, 2), hash)), { what: 'the copy at the author' })
  await third.kill()
  const out = join(dir, 'gone')
  expect(await there.cli('artifact', 'get', id, '-o', out)).toMatchObject({ code: 0 })
  expect(await readFile(join(out, 'a'), 'utf8')).toBe('kept\n')
})

test('publish --file sends many in batches, and afterIndex counts the lines of the file', async () => {
  const file = join(dir, 'many.jsonl')
  const lines = Array.from({ length: 1_500 }, (_, at) => ({
    kind: 'noop',
    pool: 'nobody',
    name: `n${at}`,
    ...(at === 1_200 ? { afterIndex: [0, 1_199] } : {}),
  }))
  await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const done = await here.cli('task', 'publish', '--file', file)
  const ids = done.stdout.trim().split('\n')
  expect([done.code, new Set(ids).size]).toEqual([0, 1_500])
  expect((await here.task(ids[1_200] ?? '')).spec['after']).toEqual([ids[0], ids[1_199]])
})

test('a blob over the limit, or of another type, is refused by name', async () => {
  const headers = { authorization: `Bearer ${here.token}` }
  const wrong = await fetch(`${here.ready.http}/api/blobs`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'text/plain' },
    body: 'x',
  })
  expect([wrong.status, ((await wrong.json()) as { code: string }).code]).toEqual([415, 'not-bytes'])
  expect((await here.api('/api/artifacts/zz')).status).toBe(400)
  const unknown = await here.api<{ code: string }>(`/api/artifacts/${'0'.repeat(64)}`)
  expect([unknown.status, unknown.body.code]).toEqual([404, 'artifact-unknown'])
})
