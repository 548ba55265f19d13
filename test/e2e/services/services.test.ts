// Services on real nodes: brought forward without losing a request, kept where the new one is not fit, started again, moved when their
// worker dies, and never alive twice.
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServiceView } from '../../../protocols/http/services.ts'
import type { GitServer } from '../../support/git-http.ts'
import { createGitServer } from '../../support/git-http.ts'
import type { CliResult, RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh, runCli } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'
import type { BeatWitness } from './service-app.ts'
import { appFolder, ask, COMMAND, createBeatWitness, loadOn } from './service-app.ts'

const bwrap = requirement('bwrap')

describe.skipIf(!bwrap.present)(bwrap.title('services'), () => {
  let mesh: RealMesh
  let server: GitServer
  let witness: BeatWitness
  let here: RealNode
  let red: RealNode
  let blue: RealNode
  let app: string
  beforeAll(async () => {
    server = await createGitServer()
    witness = await createBeatWitness()
    mesh = await createRealMesh()
    here = await mesh.add('here', ['--slots', '0'])
    red = await mesh.add('red', ['--pool', 'web'])
    blue = await mesh.add('blue', ['--pool', 'web'])
    await mesh.settled()
    app = await appFolder(mesh.dir)
  }, 90_000)
  afterAll(async () => {
    await mesh?.close()
    await server?.close()
    witness?.close()
  })

  const show = async (name: string, node = here): Promise<ServiceView> => (await node.api<ServiceView>(`/api/services/${name}`)).body
  const start = (name: string, ...options: string[]): Promise<CliResult> =>
    here.cli('service', 'start', name, '--dir', app, '--health', '/health', ...options, ...COMMAND)
  const live = async (name: string): Promise<ServiceView & { address: string }> => {
    const view = await until(async () => ((await show(name)).state === 'running' ? show(name) : undefined), {
      what: `${name} to be live`,
      timeoutMs: 60_000,
    })
    return { ...view, address: view.address ?? '' }
  }

  test('a new revision takes over under load: no request is lost, the one before finishes what it answers', {
    timeout: 120_000,
  }, async () => {
    expect(await start('web', '--worker', 'red', '--env', 'VERSION=1')).toMatchObject({ code: 0 })
    const { address } = await live('web')
    expect(await ask(address)).toBe('v1 red')
    const load = loadOn(address)
    const slow = ask(address, '/slow')
    await until(() => load.answers.length > 20, { what: 'a load' })
    const second = await start('web', '--worker', 'red', '--env', 'VERSION=2')
    expect(second.stdout).toBe(`web is live at ${address} on red (revision 2)\n`)
    const before = load.answers.length
    await until(() => load.answers.length > before + 20, { what: 'answers of the new one' })
    const answers = await load.stop()
    expect(await slow).toBe('v1 red')
    expect(new Set(answers)).toEqual(new Set(['v1 red', 'v2 red']))
    expect(new Set(answers.slice(before + 6)), 'what was asked after the switch').toEqual(new Set(['v2 red']))
    console.log(`${answers.length} requests over the switch, none lost`)
    expect(await show('web', blue), 'seen from another node').toMatchObject({ state: 'running', address, workerName: 'red', live: 2 })
    const log = await blue.cli('service', 'logs', 'web')
    expect(log.stdout).toContain('listening as v1 red\nlistening as v2 red\n')
    await until(async () => (await blue.cli('service', 'logs', 'web')).stdout.includes('goodbye of v1 red'), {
      what: 'the end of the first',
    })
  })

  test('a revision that is not healthy is not taken: the one before stays, and why is said', { timeout: 120_000 }, async () => {
    const { address } = await live('web')
    const load = loadOn(address, 3)
    const ended = await here.cli('service', 'start', 'web', '--worker', 'red', '--dir', app, '--', 'sh', '-c', 'echo oh; exit 4')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('its process ended with exit code 4 before it was healthy. Revision 2 stays.')
    const sick = await start('web', '--worker', 'red', '--env', 'VERSION=4', '--env', 'HEALTH=500', '--health-timeout', '2s')
    expect(sick.stderr).toContain('it was not healthy within 2000 ms: /health answers 500. Revision 2 stays.')
    expect(new Set(await load.stop())).toEqual(new Set(['v2 red']))
    expect(await show('web')).toMatchObject({ state: 'running', live: 2, revision: 4, failed: { revision: 4 } })
    expect(await here.cli('service', 'rollback', 'web', '--to', '1')).toMatchObject({ code: 0 })
    expect(await ask(address)).toBe('v1 red')
    expect(await show('web')).toMatchObject({ revision: 5, live: 5, rollbackOf: 1 })
  })

  test('a process that ends is started again behind the same address', { timeout: 60_000 }, async () => {
    const { address } = await live('web')
    await ask(address, '/crash')
    // Who had reached the process when it ended is told so; all others wait for the next one.
    await until(async () => (await ask(address)) === 'v1 red', { what: 'an answer of the next process' })
    await until(async () => (await show('web')).restarts === 1, { what: 'the count' })
  })

  test('when its worker dies another one of the pool takes it, and never two are alive', { timeout: 120_000 }, async () => {
    expect(await start('move', '--pool', 'web', '--env', `WITNESS=${witness.url}`)).toMatchObject({ code: 0 })
    const { workerName } = await live('move')
    const [first, second] = workerName === 'red' ? [red, blue] : [blue, red]
    await until(() => witness.beats.length > 5, { what: 'its beats' })
    const killedMs = performance.now()
    await first.kill()
    await until(async () => (await show('move')).workerName === second.name, { what: 'another worker', timeoutMs: 60_000 })
    const { address } = await live('move')
    expect(await ask(address)).toBe(`v1 ${second.name}`)
    const fences = [...new Set(witness.beats.map(({ fence }) => fence))]
    expect(fences).toHaveLength(2)
    const [lastOld, firstNew] = [
      witness.beats.findLast(({ fence }) => fence === fences[0]),
      witness.beats.find(({ fence }) => fence === fences[1]),
    ]
    expect(lastOld?.atMs).toBeLessThan(firstNew?.atMs ?? 0)
    console.log(`kill -9 of its worker to the first sign of the next: ${Math.round((firstNew?.atMs ?? 0) - killedMs)} ms`)
    await first.restart()
    await mesh.settled()
  })

  test('a stop ends its processes; a worker that starts again brings its services back to the same address', {
    timeout: 120_000,
  }, async () => {
    const { address } = await live('web')
    expect(await ask(address)).toBe('v1 red')
    const stoppedMs = performance.now()
    await red.stop()
    await red.restart()
    await until(async () => (await ask(address)) === 'v1 red', { what: 'the same address', timeoutMs: 60_000 })
    console.log(`away while its worker started again: ${Math.round(performance.now() - stoppedMs)} ms at most`)
    expect((await live('web')).address).toBe(address)
    expect(await here.cli('service', 'stop', 'web')).toMatchObject({ code: 0, stdout: 'web is stopped.\n' })
    expect(await ask(address)).toBe('failed: ECONNREFUSED')
    expect(await show('web')).toMatchObject({ state: 'stopped', desired: 'stopped' })
    expect(await here.cli('service', 'rm', 'web')).toMatchObject({ code: 0 })
    expect((await here.cli('service', 'show', 'web')).code).toBe(3)
  })

  test('a repository is built and run as its nimbus.yaml says; its secret is in no list of processes', { timeout: 120_000 }, async () => {
    const canary = `canary-${randomBytes(12).toString('hex')}`
    await runCli(['secret', 'set', 'API_KEY', '--worker', 'blue'], { dataDir: here.dataDir, input: canary })
    const repo = server.repo('site', {
      Makefile: 'all:\n\tcp app.in built.mjs\n',
      'app.in': await readFile(`${app}/app.mjs`),
      'nimbus.yaml': 'services:\n  site:\n    run: [node, built.mjs]\n    health: /health\n    env: { VERSION: yaml }\n',
    })
    const options = ['--repo', repo.url, '--build', '--worker', 'blue', '--secret', 'API_KEY']
    const started = await here.cli('service', 'start', 'site', ...options)
    expect(started).toMatchObject({ code: 0 })
    const { address } = await live('site')
    expect([await ask(address), await ask(address, '/secret')]).toEqual(['vyaml blue', String(canary.length)])
    const lines = await Promise.all((await readdir('/proc')).map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')))
    expect(lines.some((line) => line.includes('built.mjs'))).toBe(true)
    expect(lines.filter((line) => line.includes(canary))).toEqual([])
  })
})
