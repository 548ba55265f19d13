// What one build fetched the next one has: on the same worker and on another one, with a real npm and a registry that counts what it is asked.
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BuildDetail } from '../../../protocols/builds/build-views.ts'
import type { TaskView } from '../../../protocols/http/views.ts'
import type { GitRepo, GitServer } from '../../support/git-http.ts'
import { createGitServer } from '../../support/git-http.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import type { LoopbackRegistry } from './loopback-registry.ts'
import { createLoopbackRegistry } from './loopback-registry.ts'

const bwrap = requirement('bwrap')
const TEST_MS = 120_000
const TARBALL = 'GET /parcel/-/parcel-1.0.0.tgz'

describe.skipIf(!bwrap.present)(bwrap.title('caches of builds'), () => {
  let mesh: RealMesh
  let server: GitServer
  let registry: LoopbackRegistry
  let one: RealNode
  let other: RealNode
  let repo: GitRepo
  beforeAll(async () => {
    server = await createGitServer()
    registry = await createLoopbackRegistry()
    mesh = await createRealMesh()
    one = await mesh.add('one')
    other = await mesh.add('other')
    await mesh.settled()
    repo = server.repo('dependent', filesOf('1.0.0'))
  }, TEST_MS)
  afterAll(async () => {
    await mesh?.close()
    await registry?.kill()
    await server?.close()
  })

  const filesOf = (version: string): Record<string, string> => ({
    '.npmrc': `registry=${registry.url}\nfetch-retries=0\n`,
    'package.json': JSON.stringify({
      name: 'dependent',
      version,
      dependencies: { parcel: '1.0.0' },
      scripts: { test: 'node -p "require(\'parcel\')"' },
    }),
    'package-lock.json': JSON.stringify({
      name: 'dependent',
      version,
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': { name: 'dependent', version, dependencies: { parcel: '1.0.0' } },
        'node_modules/parcel': { version: '1.0.0', resolved: `${registry.url}parcel/-/parcel-1.0.0.tgz`, integrity: registry.integrity },
      },
    }),
  })
  /** Builds on this worker. @returns what the report says of the cache, and what the registry was asked meanwhile */
  const build = async (
    on: string,
    url = repo.url,
  ): Promise<{ hit: boolean | undefined; files: number | undefined; asked: string[]; hash: string }> => {
    const before = registry.asked.length
    const { stdout } = await one.cli('task', 'run', '--kind', 'build', '--repo', url, '--worker', on, '--timeout', '2m', '--json')
    const ended = stdout.split('\n').find((line) => line.startsWith('{"event":"ended"')) ?? '{}'
    const { task } = JSON.parse(ended) as { task: TaskView }
    expect({ state: task.state, by: task.attempts.at(-1)?.workerName }).toEqual({ state: 'succeeded', by: on })
    const { body } = await one.api<BuildDetail>(`/api/builds/${task.id}`)
    const { hit, files } = body.cache ?? {}
    return { hit, files, asked: registry.asked.slice(before), hash: task.result?.build?.cache?.hash ?? '' }
  }
  const cacheFile = (node: RealNode, hash: string): string => join(node.dataDir, 'build-caches', hash.slice(0, 2), hash)
  const cachesAt = (node: RealNode): string[] => {
    const dir = join(node.dataDir, 'build-caches')
    const names = existsSync(dir) ? readdirSync(dir, { recursive: true }).map(String) : []
    return names.filter((name) => /[0-9a-f]{64}$/.test(name))
  }

  test('the first build fetches, the second one on the same worker and the first one on another ask the registry for nothing', {
    timeout: TEST_MS,
  }, async () => {
    const first = await build('one')
    expect(first).toMatchObject({ hit: false, files: 1 })
    expect(first.asked).toContain(TARBALL)
    expect(first.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(await build('one')).toEqual({ hit: true, files: 1, asked: [], hash: first.hash })
    expect(cachesAt(other)).toEqual([])
    expect(await build('other')).toEqual({ hit: true, files: 1, asked: [], hash: first.hash })
    expect(cachesAt(other)).toHaveLength(1)
  })

  test('a damaged cache is fetched from another worker; where all are damaged it is a miss, and then whole again', {
    timeout: TEST_MS,
  }, async () => {
    const { hash } = await build('one')
    writeFileSync(cacheFile(one, hash), 'damaged')
    expect(await build('one')).toEqual({ hit: true, files: 1, asked: [], hash })
    writeFileSync(cacheFile(one, hash), 'damaged')
    writeFileSync(cacheFile(other, hash), 'damaged')
    const anew = await build('one')
    expect(anew).toMatchObject({ hit: false, files: 1, hash })
    expect(anew.asked).toContain(TARBALL)
    expect(await build('other')).toEqual({ hit: true, files: 1, asked: [], hash })
  })

  test('a changed lockfile is a miss; only builds are told of caches', { timeout: TEST_MS }, async () => {
    const changed = server.repo('changed', filesOf('1.0.1'))
    const { hit, asked } = await build('one', changed.url)
    expect({ hit, fetched: asked.includes(TARBALL) }).toEqual({ hit: false, fetched: true })
    const list = await one.api<{ items: { id: string }[] }>('/api/builds')
    const { body } = await one.api<BuildDetail>(`/api/builds/${list.body.items[0]?.id}`)
    const key = body.cache?.key ?? ''
    expect((await one.api(`/api/builds/caches/${'f'.repeat(64)}`)).status).toBe(404)
    // The key is right: whoever may ask is answered.
    const told = await fetch(`${one.ready.http}/api/builds/caches/${key}`, { headers: { authorization: `Bearer ${one.token}` } })
    expect([told.status, (await told.arrayBuffer()).byteLength > 0]).toEqual([200, true])
    const script = `fetch(process.env.NIMBUS_URL + '/api/builds/caches/${key}', { headers: { authorization: 'Bearer ' + process.env.NIMBUS_TOKEN } }).then((r) => console.log('status', r.status))`
    const { stdout } = await one.cli('task', 'run', '--worker', 'one', '--', 'node', '-e', script)
    expect(stdout).toContain('status 404')
  })
})
