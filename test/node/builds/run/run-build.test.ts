// Builds run for real here, in the sandbox and through the CLI.
import { existsSync } from 'node:fs'
import { mkdtemp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { BuildReport } from '../../../../node/builds/run/carry-out.ts'
import { runCli } from '../../../support/real-mesh.ts'
import { requirement } from '../../../support/requirements.ts'

const bwrap = requirement('bwrap')

async function project(files: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'nimbus-project-'))
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(dir, path, '..'), { recursive: true })
    await writeFile(join(dir, path), content)
  }
  return dir
}

async function build(dir: string, env: Record<string, string> = {}): Promise<{ code: number; report: BuildReport; stderr: string }> {
  const { code, stdout, stderr } = await runCli(['build', 'run', dir, '--json'], { env, timeoutMs: 120_000 })
  return { code, stderr, report: JSON.parse(stdout || '{}') as BuildReport }
}

describe.skipIf(!bwrap.present)(bwrap.title('builds in the sandbox'), () => {
  test('an npm project is installed, built and tested', async () => {
    const dir = await project({
      'package.json': JSON.stringify({
        name: 'a',
        version: '1.0.0',
        scripts: { build: 'node build.js', test: "node -e \"require('fs').accessSync('dist/out.js')\"" },
      }),
      'build.js': "require('fs').mkdirSync('dist'); require('fs').writeFileSync('dist/out.js', '1')",
    })
    const { code, report, stderr } = await build(dir)
    expect(stderr).toContain('npm run build')
    expect({ code, result: report.result }).toEqual({ code: 0, result: 'succeeded' })
    expect(await readFile(join(dir, 'dist/out.js'), 'utf8')).toBe('1')
  })

  test('a build sees no network, no secret of the machine and no other folder', async () => {
    const canary = `canary-${Math.trunc(performance.now() * 1e6)}`
    const outside = await project({ secret: canary })
    let reached = false
    const server = createServer(() => (reached = true))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const dir = await project({
      'nimbus.yaml': 'build: sh ./look.sh\n',
      'look.sh': [
        `env > env.txt`,
        `cat ${outside}/secret > stolen.txt 2>/dev/null`,
        `ls -A ${homedir()}/.ssh /home /etc/shadow /etc/passwd > homes.txt 2>/dev/null`,
        `echo x > /usr/marker 2>/dev/null && touch wrote-usr`,
        `node -e "require('net').connect(${port},'127.0.0.1').on('connect',()=>require('fs').writeFileSync('reached',''))" 2>/dev/null`,
        'true',
      ].join('\n'),
    })
    const { code } = await build(dir, { NIMBUS_CANARY: canary, AWS_SECRET_ACCESS_KEY: canary })
    server.close()
    expect(code).toBe(0)
    expect(await readFile(join(dir, 'env.txt'), 'utf8')).not.toContain(canary)
    expect(await readFile(join(dir, 'stolen.txt'), 'utf8')).toBe('')
    expect(await readFile(join(dir, 'homes.txt'), 'utf8')).toBe('')
    expect({ reached, connected: existsSync(join(dir, 'reached')), wrote: existsSync(join(dir, 'wrote-usr')) }).toEqual({
      reached: false,
      connected: false,
      wrote: false,
    })
  })

  test('a tool that this machine lacks is named, with the file that asks for it', async () => {
    const dir = await project({ 'nimbus.yaml': 'build: [frobnicate, all]\ntools:\n  frobnicate: "2"\n' })
    const { code, report } = await build(dir)
    expect(code).toBe(1)
    expect(report).toMatchObject({ failure: 'missing-tool', reason: 'this machine has no frobnicate 2 (nimbus.yaml)', elsewhere: true })
  })

  test('a lockfile that does not fit is cured, and a test that fails once is said to be flaky', async () => {
    const dir = await project({
      'package.json': JSON.stringify({
        name: 'a',
        version: '1.0.0',
        dependencies: { b: 'file:./b' },
        scripts: { test: 'test -e ran || { touch ran; echo "1 failed"; exit 1; }' },
      }),
      'package-lock.json': JSON.stringify({
        name: 'a',
        version: '1.0.0',
        lockfileVersion: 3,
        requires: true,
        packages: { '': { name: 'a', version: '1.0.0' } },
      }),
      'b/package.json': JSON.stringify({ name: 'b', version: '1.0.0' }),
    })
    const { report } = await build(dir)
    expect(report).toMatchObject({ result: 'succeeded', flaky: true })
    expect(report.tries.map(({ argv, failure }) => [argv.join(' '), failure])).toEqual([
      ['npm ci', 'lockfile'],
      ['npm install', undefined],
      ['npm test', 'test'],
      ['npm test', undefined],
    ])
  })
})
