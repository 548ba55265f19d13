// Each class of failure, produced for real, and the recovery that fits it: a registry that is dead, one that hands out the wrong bytes, a
// lockfile that does not fit, a limit of memory, a full disk, a command that hangs, a test that fails once.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BuildReport } from '../../../node/builds/run/carry-out.ts'
import { BIN, cleanEnv } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import type { LoopbackRegistry } from './loopback-registry.ts'
import { createLoopbackRegistry } from './loopback-registry.ts'

const bwrap = requirement('bwrap')
const root = requirement('root')
const TEST_MS = 120_000

describe.skipIf(!bwrap.present)(bwrap.title('recovery of builds'), () => {
  let scratch: string
  let registry: LoopbackRegistry
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'nimbus-recovery-'))
    registry = await createLoopbackRegistry()
  })
  afterAll(async () => {
    await registry?.kill()
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true })
  })

  const project = async (name: string, files: Record<string, string>): Promise<string> => {
    const dir = join(scratch, name)
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(dir, path)), { recursive: true })
      await writeFile(join(dir, path), text)
    }
    return dir
  }
  /** A project whose one dependency comes from the loopback registry. npm's own patience is taken away: ours is the subject. */
  const dependent = (name: string): Promise<string> =>
    project(name, {
      '.npmrc': `registry=${registry.url}\nfetch-retries=0\n`,
      'package.json': JSON.stringify({
        name,
        version: '1.0.0',
        dependencies: { parcel: '1.0.0' },
        scripts: { test: 'node -p "require(\'parcel\')"' },
      }),
      'package-lock.json': JSON.stringify({
        name,
        version: '1.0.0',
        lockfileVersion: 3,
        requires: true,
        packages: {
          '': { name, version: '1.0.0', dependencies: { parcel: '1.0.0' } },
          'node_modules/parcel': { version: '1.0.0', resolved: `${registry.url}parcel/-/parcel-1.0.0.tgz`, integrity: registry.integrity },
        },
      }),
    })
  /** @param onLine hears each line that the build says of itself, as it comes */
  const build = (argv: readonly string[], onLine: (line: string) => void = () => {}): Promise<BuildReport> =>
    new Promise((resolve, reject) => {
      const [file = '', ...args] = argv
      const child = spawn(file, args, { env: cleanEnv(), stdio: ['ignore', 'pipe', 'pipe'] })
      let out = ''
      let errors = ''
      child.stdout.on('data', (bytes) => (out += String(bytes)))
      child.stderr.on('data', (bytes) => {
        errors += String(bytes)
        for (const line of String(bytes).split('\n')) onLine(line)
      })
      child.once('close', () => {
        try {
          resolve(JSON.parse(out) as BuildReport)
        } catch {
          reject(new Error(`no report: ${errors}`))
        }
      })
    })
  const run = (dir: string, ...flags: string[]): string[] => [process.execPath, BIN, 'build', 'run', dir, '--json', ...flags]
  const told = ({ tries }: BuildReport): (string | undefined)[][] =>
    tries.map(({ argv, failure, recovery }) => [argv.join(' '), failure, recovery])

  test('network: the registry is dead, and comes back while the build waits', { timeout: TEST_MS }, async () => {
    const dir = await dependent('network')
    await registry.kill()
    let revived: Promise<void> | undefined
    const report = await build(run(dir), (line) => {
      if (line.includes('(network)')) revived ??= registry.revive()
    })
    await revived
    expect(report.result).toBe('succeeded')
    const tries = told(report)
    expect(tries[0]).toEqual(['npm ci', 'network', 'retry'])
    expect(tries.slice(-2)).toEqual([
      ['npm ci', undefined, undefined],
      ['npm test', undefined, undefined],
    ])
  })

  test('stale-cache: what was fetched is not what the lockfile promises; everything is fetched anew', { timeout: TEST_MS }, async () => {
    const dir = await dependent('stale')
    registry.damage(true)
    const report = await build(run(dir), (line) => {
      if (line.includes('(stale-cache)')) registry.damage(false)
    })
    expect(told(report)).toEqual([
      ['npm ci', 'stale-cache', 'clean-build'],
      ['npm ci', undefined, undefined],
      ['npm test', undefined, undefined],
    ])
  })

  test('lockfile: it does not know a dependency; it is installed without holding to it', { timeout: TEST_MS }, async () => {
    const dir = await dependent('lockfile')
    await writeFile(
      join(dir, 'package-lock.json'),
      JSON.stringify({
        name: 'lockfile',
        version: '1.0.0',
        lockfileVersion: 3,
        requires: true,
        packages: { '': { name: 'lockfile', version: '1.0.0' } },
      }),
    )
    expect(told(await build(run(dir)))).toEqual([
      ['npm ci', 'lockfile', 'unlocked-install'],
      ['npm install', undefined, undefined],
      ['npm test', undefined, undefined],
    ])
  })

  test('out-of-memory: a limit is met by two jobs, and held by one', { timeout: TEST_MS }, async () => {
    const dir = await project('memory', {
      'nimbus.yaml': 'build: [node, build.js]\n',
      'build.js':
        'const jobs = Number(process.env.CARGO_BUILD_JOBS)\nconst held = []\nfor (let i = 0; i < (jobs > 1 ? 8 : 1); i++) held.push(Buffer.alloc(100 * 2 ** 20, 1))\nsetTimeout(() => console.log(held.length), 1500)\n',
    })
    const report = await build(run(dir, '--memory', '400'))
    expect(report.result).toBe('succeeded')
    expect(told(report)).toEqual([
      ['node build.js', 'out-of-memory', 'less-parallel'],
      ['node build.js', undefined, undefined],
    ])
    expect(report.tries[0]?.reason).toBe('build met its limit of memory')
  })

  test('timed-out: what hangs with several jobs is tried with one', { timeout: TEST_MS }, async () => {
    const dir = await project('hang', { 'nimbus.yaml': 'build: test "$CARGO_BUILD_JOBS" = 1 || exec sleep 60\n' })
    expect(told(await build(run(dir, '--step-timeout', '3s'))).map(([, ...rest]) => rest)).toEqual([
      ['timed-out', 'less-parallel'],
      [undefined, undefined],
    ])
  })

  test('test: one that fails and then passes unchanged is said to be flaky', { timeout: TEST_MS }, async () => {
    const dir = await project('flaky', { 'nimbus.yaml': 'test: test -e ran || { touch ran; echo 1 failed; exit 1; }\n' })
    const report = await build(run(dir))
    expect({ result: report.result, flaky: report.flaky }).toEqual({ result: 'succeeded', flaky: true })
    expect(report.tries.map(({ failure }) => failure)).toEqual(['test', undefined])
  })

  test('compile: it is built once more from a clean tree, then it is said to be the code', { timeout: TEST_MS }, async () => {
    const dir = await project('compile', { Makefile: 'all:\n\tcc -c broken.c\n', 'broken.c': 'int main( {\n' })
    const report = await build(run(dir))
    expect(report).toMatchObject({ result: 'failed', failure: 'compile' })
    expect(told(report)).toEqual([
      ['make all', 'compile', 'clean-build'],
      ['make all', 'compile', 'give-up'],
    ])
  })

  describe.skipIf(!root.present)(root.title('on a disk of its own'), () => {
    test('disk-full: what earlier installs left makes way', { timeout: TEST_MS }, async () => {
      const dir = await project('disk', {
        'package.json': JSON.stringify({ name: 'disk', version: '1.0.0', scripts: { build: 'node build.js' } }),
        'build.js':
          "require('fs').mkdirSync('dist', { recursive: true })\nrequire('fs').writeFileSync('dist/large', Buffer.alloc(12 * 2 ** 20, 1))\n",
        'nimbus.yaml': 'install: mkdir -p node_modules\n',
        'node_modules/left-over': 'x'.repeat(2 ** 23),
      })
      const disk = join(scratch, 'small-disk')
      await mkdir(disk)
      const script = 'mount -t tmpfs -o size=16m tmpfs "$1" && cp -r "$2/." "$1" && shift 2 && exec "$@"'
      const report = await build(['unshare', '--mount', 'sh', '-c', script, 'sh', disk, dir, ...run(disk)])
      expect(report.result).toBe('succeeded')
      expect(told(report).filter(([, failure]) => failure !== undefined)).toEqual([['npm run build', 'disk-full', 'clean-build']])
    })
  })
})
