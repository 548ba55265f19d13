// What a build leaves can be told from what it did not leave: signed by the worker, checked by any node, fetched in parts, refused when damaged.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BuildDetail, BuildView, ProvenanceView } from '../../../protocols/builds/build-views.ts'
import type { DsseEnvelope, ProvenanceStatement } from '../../../protocols/builds/provenance.ts'
import type { TaskView } from '../../../protocols/http/views.ts'
import { publicKeyOf } from '../../../node/trust/peer-keys.ts'
import type { GitRepo, GitServer } from '../../support/git-http.ts'
import { createGitServer } from '../../support/git-http.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'

const bwrap = requirement('bwrap')

describe.skipIf(!bwrap.present)(bwrap.title('what a build leaves'), () => {
  let mesh: RealMesh
  let server: GitServer
  let here: RealNode
  let there: RealNode
  let repo: GitRepo
  let task: TaskView
  let hash: string
  const events: { type: string; id: string; data: BuildView }[] = []
  const listening = new AbortController()
  beforeAll(async () => {
    server = await createGitServer()
    mesh = await createRealMesh()
    here = await mesh.add('here', ['--slots', '0'])
    there = await mesh.add('there')
    await mesh.settled()
    void listen()
    repo = server.repo('made', {
      Makefile:
        'all: out.txt\nout.txt: in.txt\n\tsleep 1; tr a-z A-Z < in.txt > out.txt\ntest: out.txt\n\tgrep -q HELLO out.txt\n.PHONY: all test\n',
      'in.txt': 'hello '.repeat(50_000),
      'nimbus.yaml': 'artifacts: [out.txt]\n',
    })
    const { stdout } = await here.cli('task', 'run', '--kind', 'build', '--repo', repo.url, '--timeout', '2m', '--json')
    const ended = stdout.split('\n').find((line) => line.startsWith('{"event":"ended"'))
    task = (JSON.parse(ended ?? '{}') as { task: TaskView }).task
    hash = task.result?.artifacts?.find(({ path }) => path === 'out.txt')?.hash ?? ''
  }, 120_000)
  afterAll(async () => {
    listening.abort()
    await mesh?.close()
    await server?.close()
  })

  const listen = async (): Promise<void> => {
    const headers = { authorization: `Bearer ${here.token}`, accept: 'text/event-stream' }
    const response = await fetch(`${here.ready.http}/api/events?types=build.updated`, { headers, signal: listening.signal })
    let text = ''
    try {
      for await (const piece of response.body ?? []) {
        text += Buffer.from(piece).toString('utf8')
        const lines = text.split('\n')
        text = lines.pop() ?? ''
        for (const line of lines) if (line.startsWith('data: {')) events.push(JSON.parse(line.slice(6)))
      }
    } catch (error) {
      if (!listening.signal.aborted) throw error
    }
  }
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(here.ready.http + path, { headers: { authorization: `Bearer ${here.token}`, ...headers } })
  const blobFile = (node: RealNode): string => join(node.dataDir, 'blobs', hash.slice(0, 2), hash)

  test('any node says who built a file, from which commit and lockfiles', async () => {
    expect(task.state).toBe('succeeded')
    const { code, stdout } = await here.cli('artifact', 'verify', hash, '--json')
    expect(code).toBe(0)
    const commit = repo.git('rev-parse', 'HEAD').trim()
    const yaml = createHash('sha256')
      .update(readFileSync(join(repo.work, 'nimbus.yaml')))
      .digest('hex')
    expect(JSON.parse(stdout) as ProvenanceView).toMatchObject({
      hash,
      path: 'out.txt',
      task: task.id,
      worker: there.ready.peerId,
      workerName: 'there',
      repo: repo.url,
      commit,
      materials: [
        { uri: `git+${repo.url}`, digest: { gitCommit: commit } },
        { uri: 'file:nimbus.yaml', digest: { sha256: yaml } },
      ],
    })
  })

  test('the statement stands by itself: in-toto in DSSE, checked with nothing of ours but the key', async () => {
    const file = task.result?.artifacts?.find(({ path }) => path === 'nimbus-provenance.json')
    const envelope = (await (await get(`/api/artifacts/${file?.hash}`)).json()) as DsseEnvelope
    const payload = Buffer.from(envelope.payload, 'base64')
    const signed = Buffer.concat([Buffer.from(`DSSEv1 ${envelope.payloadType.length} ${envelope.payloadType} ${payload.length} `), payload])
    const raw = publicKeyOf(there.ready.peerId) ?? new Uint8Array()
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') }, format: 'jwk' })
    expect(envelope.signatures.map(({ sig }) => verify(null, signed, key, Buffer.from(sig, 'base64')))).toEqual([true])
    const statement = JSON.parse(payload.toString('utf8')) as ProvenanceStatement
    expect(statement).toMatchObject({ _type: 'https://in-toto.io/Statement/v1', predicateType: 'https://slsa.dev/provenance/v1' })
    expect(statement.subject).toContainEqual({ name: 'out.txt', digest: { sha256: hash } })
    expect(statement.predicate.buildDefinition.internalParameters.steps.map(({ argv, reason }) => [argv.join(' '), reason])).toEqual([
      ['make all', 'Makefile'],
      ['make test', 'Makefile has a target "test"'],
    ])
  })

  test('a file in parts: ranges, a tag, and a fetch that goes on where it was cut off', async () => {
    const whole = Buffer.from(await (await get(`/api/artifacts/${hash}`)).arrayBuffer())
    expect(createHash('sha256').update(whole).digest('hex')).toBe(hash)
    const part = await get(`/api/artifacts/${hash}`, { range: 'bytes=100000-100009' })
    expect([part.status, part.headers.get('content-range'), part.headers.get('etag')]).toEqual([
      206,
      `bytes 100000-100009/${whole.length}`,
      `"${hash}"`,
    ])
    expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(100_000, 100_010))
    expect(Buffer.from(await (await get(`/api/artifacts/${hash}`, { range: 'bytes=-7' })).arrayBuffer())).toEqual(whole.subarray(-7))
    expect((await get(`/api/artifacts/${hash}`, { 'if-none-match': `"${hash}"` })).status).toBe(304)
    expect((await get(`/api/artifacts/${hash}`, { range: `bytes=${whole.length}-` })).status).toBe(400)

    writeFileSync(join(mesh.dir, 'out.txt.part'), whole.subarray(0, 120_000))
    expect((await here.cli('artifact', 'get', task.id, 'out.txt', '-o', mesh.dir)).code).toBe(0)
    expect(readFileSync(join(mesh.dir, 'out.txt'))).toEqual(whole)
    rmSync(join(mesh.dir, 'out.txt'))
    writeFileSync(join(mesh.dir, 'out.txt.part'), 'not the beginning of it')
    const spoiled = await here.cli('artifact', 'get', task.id, 'out.txt', '-o', mesh.dir)
    expect({ code: spoiled.code, said: spoiled.stderr.includes('came with the hash') }).toEqual({ code: 4, said: true })
    expect((await here.cli('artifact', 'get', task.id, 'out.txt', '-o', mesh.dir)).code).toBe(0)
    expect(readFileSync(join(mesh.dir, 'out.txt'))).toEqual(whole)
  })

  test('the builds of the mesh: the list, one with what it ran, its output, and an event at each step', async () => {
    const list = await here.api<{ items: BuildView[] }>('/api/builds')
    expect(list.body.items.map(({ id, state, worker }) => [id, state, worker])).toEqual([[task.id, 'succeeded', 'there']])
    const { body } = await here.api<BuildDetail>(`/api/builds/${task.id}`)
    expect(body.tries.map(({ phase, argv }) => [phase, argv.join(' ')])).toEqual([
      ['build', 'make all'],
      ['test', 'make test'],
    ])
    expect(body.reasons).toContain('Makefile has a target "test" → make test')
    expect(body.tools['make']).toMatch(/^\d+\.\d+/)
    const shown = await here.cli('build', 'show', task.id)
    expect(shown.stdout).toContain('make test')
    expect((await here.cli('build', 'ls')).stdout).toContain(task.id)
    expect((await here.cli('build', 'logs', task.id)).stdout).toContain('tr a-z A-Z')
    await until(() => events.some(({ data }) => data.state === 'succeeded'), { what: 'the event of its end', timeoutMs: 20_000 })
    expect(new Set(events.map(({ id }) => id))).toEqual(new Set([task.id]))
    expect(events.find(({ data }) => data.step === 'make all')?.data).toMatchObject({ phase: 'build', percent: 0, state: 'running' })
  })

  test('a file that no build left, and one that was changed on the disk, are refused', async () => {
    const unknown = await here.cli('artifact', 'verify', 'f'.repeat(64))
    expect({ code: unknown.code, said: unknown.stderr.includes('has left the file') }).toEqual({ code: 3, said: true })
    const own = join(mesh.dir, 'own.txt')
    writeFileSync(own, 'made by hand')
    expect((await here.cli('artifact', 'verify', own)).code).toBe(3)
    // Last: the copy of this node is spoilt.
    writeFileSync(blobFile(here), 'something else')
    const changed = await here.cli('artifact', 'verify', hash)
    expect({ code: changed.code, said: changed.stderr.includes('is something else') }).toEqual({ code: 4, said: true })
  })
})
