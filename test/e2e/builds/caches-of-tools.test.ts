// The same for other tools whose lockfiles name their downloads: cargo, go and yarn, each with a real one and a registry on loopback.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BuildDetail } from '../../../protocols/builds/build-views.ts'
import type { TaskView } from '../../../protocols/http/views.ts'
import type { GitServer } from '../../support/git-http.ts'
import { createGitServer } from '../../support/git-http.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { cleanEnv, createRealMesh } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import type { LoopbackMirrors } from './loopback-mirrors.ts'
import { CRATE, createLoopbackMirrors, MODULE } from './loopback-mirrors.ts'
import type { LoopbackRegistry } from './loopback-registry.ts'
import { createLoopbackRegistry } from './loopback-registry.ts'

const bwrap = requirement('bwrap')
const TEST_MS = 180_000
const TARBALL = 'GET /parcel/-/parcel-1.0.0.tgz'
/** No step but the one that is looked at costs time. */
const ONLY = 'test: "true"\n'

describe.skipIf(!bwrap.present)(bwrap.title('caches of builds by cargo, go and yarn'), () => {
  let mesh: RealMesh
  let server: GitServer
  let mirrors: LoopbackMirrors
  let registry: LoopbackRegistry
  let one: RealNode
  let scratch: string
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'nimbus-tool-caches-'))
    server = await createGitServer()
    mirrors = await createLoopbackMirrors()
    registry = await createLoopbackRegistry()
    mesh = await createRealMesh()
    one = await mesh.add('one')
    await mesh.add('other')
    await mesh.settled()
  }, TEST_MS)
  afterAll(async () => {
    await mesh?.close()
    await registry?.kill()
    await mirrors?.close()
    await server?.close()
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true })
  })

  /** What the tool itself makes of these files, committed. */
  const repo = async (name: string, files: Record<string, string>, lock: readonly string[]): Promise<string> => {
    const dir = join(scratch, name)
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true })
      writeFileSync(join(dir, path), text)
    }
    const [command = '', ...args] = lock
    const env = cleanEnv({
      GOPROXY: `${mirrors.url}/go`,
      GOSUMDB: 'off',
      GOMODCACHE: join(scratch, 'go'),
      GOFLAGS: '-modcacherw',
      CARGO_HOME: join(scratch, 'cargo'),
    })
    // The registries answer in this very process: it must not wait for the tool.
    if (command !== '') await promisify(execFile)(command, args, { cwd: dir, env, timeout: 60_000 })
    const made = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    return server.repo(
      name,
      Object.fromEntries(
        made.map(({ parentPath, name: file }) => [
          join(parentPath, file).slice(dir.length + 1),
          readFileSync(join(parentPath, file), 'utf8'),
        ]),
      ),
    ).url
  }
  const build = async (
    on: string,
    url: string,
    ...flags: string[]
  ): Promise<{ hit: boolean | undefined; files: number | undefined; asked: string[] }> => {
    const before = [mirrors.asked.length, registry.asked.length]
    const { stdout } = await one.cli('task', 'run', '--kind', 'build', '--repo', url, '--worker', on, '--timeout', '2m', '--json', ...flags)
    const ended = stdout.split('\n').find((line) => line.startsWith('{"event":"ended"')) ?? '{}'
    const { task } = JSON.parse(ended) as { task: TaskView }
    expect({ state: task.state, tail: task.state === 'succeeded' ? '' : task.result?.tail }).toEqual({ state: 'succeeded', tail: '' })
    const { body } = await one.api<BuildDetail>(`/api/builds/${task.id}`)
    const { hit, files } = body.cache ?? {}
    return { hit, files, asked: [...mirrors.asked.slice(before[0]), ...registry.asked.slice(before[1])] }
  }
  const CARGO = (): Record<string, string> => ({
    '.cargo/config.toml': `[source.crates-io]\nreplace-with = "loopback"\n[source.loopback]\nregistry = "sparse+${mirrors.url}/index/"\n`,
    'Cargo.toml': '[package]\nname = "counted"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nparcel = "1"\n',
    'src/main.rs': 'fn main() {\n    println!("{}", parcel::words());\n}\n',
    'nimbus.yaml': `build: [cargo, check, --offline]\n${ONLY}`,
  })

  const cargo = requirement('cargo')
  test.skipIf(!cargo.present)(
    cargo.title('cargo: the archive is fetched once in the mesh; what a build put in its place goes nowhere; --no-cache fetches'),
    { timeout: TEST_MS },
    async () => {
      const lock = ['cargo', 'generate-lockfile']
      const poison =
        'install:\n  - [cargo, fetch, --locked]\n  - for crate in $CARGO_HOME/registry/cache/*/parcel-1.0.0.crate; do echo poison > $crate; done\n'
      const hostile = await repo('hostile', { ...CARGO(), 'nimbus.yaml': `${poison}build: "true"\n${ONLY}` }, lock)
      expect(await build('one', hostile)).toMatchObject({ hit: false, files: 0 })
      const url = await repo('cargo', CARGO(), lock)
      const first = await build('other', url)
      expect([first.hit, first.files, first.asked.includes(CRATE)]).toEqual([false, 1, true])
      const second = await build('one', url)
      expect([second.hit, second.files, second.asked.includes(CRATE)]).toEqual([true, 1, false])
      const without = await build('one', url, '--no-cache')
      expect([without.hit, without.asked.includes(CRATE)]).toEqual([undefined, true])
    },
  )

  const go = requirement('go')
  test.skipIf(!go.present)(go.title('go: the archive of a module is fetched once in the mesh'), { timeout: TEST_MS }, async () => {
    const files = {
      'go.mod': 'module example.test/app\n\ngo 1.21\n\nrequire example.test/Parcel v1.0.0\n',
      'main.go': 'package main\n\nimport (\n\t"fmt"\n\n\tparcel "example.test/Parcel"\n)\n\nfunc main() { fmt.Println(parcel.Words()) }\n',
      'nimbus.yaml': `build: [go, mod, verify]\n${ONLY}`,
    }
    const url = await repo('go', files, ['go', 'mod', 'tidy'])
    const proxy = ['--env', `GOPROXY=${mirrors.url}/go`, '--env', 'GOSUMDB=off']
    const first = await build('one', url, ...proxy)
    expect([first.hit, first.files, first.asked.includes(MODULE)]).toEqual([false, 2, true])
    const second = await build('other', url, ...proxy)
    expect([second.hit, second.files, second.asked.includes(MODULE)]).toEqual([true, 2, false])
  })

  const yarn = requirement('yarn')
  test.skipIf(!yarn.present)(yarn.title('yarn: the archive of a package is fetched once in the mesh'), { timeout: TEST_MS }, async () => {
    const url = await repo(
      'yarn',
      {
        '.yarnrc': `registry "${registry.url}"\n`,
        'package.json': JSON.stringify({ name: 'yarned', version: '1.0.0', license: 'MIT', dependencies: { parcel: '1.0.0' } }),
        'yarn.lock': `# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.\n# yarn lockfile v1\n\n\nparcel@1.0.0:\n  version "1.0.0"\n  resolved "${registry.url}parcel/-/parcel-1.0.0.tgz"\n  integrity ${registry.integrity}\n`,
        'nimbus.yaml': `build: [node, -p, "require('parcel')"]\n${ONLY}`,
      },
      [],
    )
    const first = await build('one', url)
    expect([first.hit, first.files, first.asked.includes(TARBALL)]).toEqual([false, 1, true])
    const second = await build('other', url)
    expect([second.hit, second.files, second.asked]).toEqual([true, 1, []])
  })
})
