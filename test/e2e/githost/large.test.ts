// A large repository through two workers: what crosses them is handed on, not gathered. A push that is cut off leaves nothing behind; what
// was pushed is told; the last copy is not given up by mistake.
import { randomBytes } from 'node:crypto'
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HostedRepoView } from '../../../protocols/http/hosted.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { cleanEnv, createRealMesh } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'
import { commit, git, HELPER_DIR, must } from './git-beside.ts'

const MEGABYTES = 60
const CLONES = 2
const gitTool = requirement('git')
let mesh: RealMesh
let box: RealNode
let attic: RealNode
beforeAll(async () => {
  mesh = await createRealMesh()
  box = await mesh.add('box')
  attic = await mesh.add('attic')
  await mesh.settled()
}, 120_000)
afterAll(() => mesh.close())

/** The most memory that the process has had so far, MB. */
async function peakMb({ ready }: RealNode): Promise<number> {
  const status = await readFile(`/proc/${ready.pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

describe.skipIf(!gitTool.present)(gitTool.title('a large repository of the mesh'), () => {
  test('is pushed and cloned through two workers that gather none of it', { timeout: 180_000 }, async () => {
    expect(await box.cli('repo', 'host', 'big')).toMatchObject({ code: 0 })
    const work = join(mesh.dir, 'big')
    await mkdir(work)
    await must(attic, work, 'init', '-q', '-b', 'main')
    // git would look for likeness in what is random.
    await must(attic, work, 'config', 'core.bigFileThreshold', '1m')
    for (let at = 0; at < MEGABYTES / 10; at++) await writeFile(join(work, `part-${at}`), randomBytes(10e6))
    await commit(attic, work, 'a.txt', 'one')
    const before = [await peakMb(box), await peakMb(attic)]
    const pushMs = performance.now()
    await must(attic, work, 'push', '-q', 'nimbus://box/big', 'main')
    const cloneMs = performance.now()
    for (let copy = 1; copy <= CLONES; copy++) await must(attic, mesh.dir, 'clone', '-q', '--bare', 'nimbus://box/big', `copy-${copy}.git`)
    const endMs = performance.now()
    const grown = [(await peakMb(box)) - (before[0] ?? 0), (await peakMb(attic)) - (before[1] ?? 0)]
    process.stdout.write(
      `${MEGABYTES} MB: push ${((cloneMs - pushMs) / 1000).toFixed(1)} s, ${CLONES} clones ${((endMs - cloneMs) / 1000).toFixed(1)} s; peak memory of the node that serves +${grown[0]?.toFixed(0)} MB, of the one between +${grown[1]?.toFixed(0)} MB\n`,
    )
    // What crossed them is three times as much; garbage is collected when it is due.
    for (const mb of grown) expect(mb).toBeLessThan(MEGABYTES * 1.5)
  })

  test('a push that is killed half-way leaves no object and no branch', { timeout: 120_000 }, async () => {
    const work = join(mesh.dir, 'big')
    const folder = join(box.dataDir, 'hosted', 'big.git')
    const packs = await readdir(join(folder, 'objects', 'pack'))
    for (let at = 0; at < 4; at++) await writeFile(join(work, `more-${at}`), randomBytes(10e6))
    await commit(attic, work, 'b.txt', 'two')
    const env = cleanEnv({ PATH: `${process.env['PATH']}:${HELPER_DIR}`, NIMBUS_DATA: attic.dataDir, HOME: mesh.dir })
    const child = spawn('git', ['push', '-q', 'nimbus://box/big', 'main:half'], { cwd: work, env, stdio: 'ignore', detached: true })
    const incoming = async (): Promise<string[]> => readdir(join(folder, 'incoming'), { recursive: true }).catch(() => [])
    await until(async () => (await incoming()).some((name) => name.includes('tmp_pack')), {
      what: 'the push to arrive',
      timeoutMs: 60_000,
      intervalMs: 5,
    })
    process.kill(-(child.pid ?? 0), 'SIGKILL')
    await until(async () => (await incoming()).length === 0, { what: 'what had arrived to go', timeoutMs: 60_000 })
    expect(await readdir(join(folder, 'objects', 'pack'))).toEqual(packs)
    const { body } = await box.api<HostedRepoView>('/api/hosted-repos/big')
    expect(body.refs.map(({ ref }) => ref)).toEqual(['refs/heads/main'])
  })

  test('a push is told in the event streams of all, and the last copy goes only when that is said', { timeout: 120_000 }, async () => {
    const events = await fetch(`${attic.ready.http}/api/events?types=repo.updated`, {
      headers: { authorization: `Bearer ${attic.token}`, accept: 'text/event-stream' },
    })
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader()
    await must(attic, join(mesh.dir, 'big'), 'push', '-q', 'nimbus://box/big', 'HEAD~1:refs/heads/told')
    let told = ''
    while (!told.includes('refs/heads/told')) told += (await reader.read()).value ?? ''
    await reader.cancel()
    expect(told).toContain('"id":"nimbus://mesh/big"')

    expect(await attic.cli('repo', 'unhost', 'big')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('does not keep the repository'),
    })
    expect(await box.cli('repo', 'unhost', 'big')).toMatchObject({ code: 4, stderr: expect.stringContaining('it would be lost') })
    expect(await box.cli('repo', 'unhost', 'big', '--last')).toMatchObject({ code: 0 })
    expect(await git(attic, mesh.dir, 'ls-remote', 'nimbus://mesh/big')).toMatchObject({
      code: 128,
      stderr: expect.stringContaining('can be reached'),
    })
    expect(await readdir(join(box.dataDir, 'hosted'))).toEqual([])
  })
})
