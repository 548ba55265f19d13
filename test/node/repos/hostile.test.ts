// Hostile addresses, refs and repositories, one table each: refused by name or cloned without a single command of theirs being run.
// Every trap leaves a marker file when it goes off; in the end there is none.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { cloneInto, fetchInto, type GitEngine } from '../../../node/repos/clone.ts'
import { createGitServer, type GitRepo, type GitServer } from '../../support/git-http.ts'
import { requirement } from '../../support/requirements.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })
const clock = createSystemClock()
const git = requirement('git')
const root = mkdtempSync(join(tmpdir(), 'nimbus-hostile-'))
const marks = join(root, 'marks')
const touch = (name: string): string => `touch ${join(marks, name)}`
let server: GitServer
let count = 0
const fresh = (): string => join(root, `clone-${count++}`)
const codeOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: Error & { code?: string }) => error.code ?? error.message,
  )

beforeAll(async () => {
  mkdirSync(marks)
  server = await createGitServer()
})
afterAll(async () => {
  await server?.close()
  rmSync(root, { recursive: true, force: true })
})

const URLS: [string, string][] = [
  ['an option for the transport', `--upload-pack=${touch('upload-pack')}`],
  ['a short option', `-u${touch('short')}`],
  ['a helper that runs a command', `ext::sh -c "${touch('ext')}"`],
  ['a helper that reads a descriptor', 'fd::17'],
  ['files of this machine', 'file:///etc'],
  ['a path of this machine', '/etc'],
  ['a protocol without proof', 'git://127.0.0.1/x.git'],
  ['an option as the host', `ssh://-oProxyCommand=${touch('host')}/x`],
  ['an option as the user', `ssh://-oProxyCommand=${touch('user')}@h/x`],
  ['a command in the host', `ssh://h$(${touch('shell').replace(' ', '${IFS}')})/x`],
  ['a command in the path', `ssh://h/x;${touch('path').replace(' ', '%20')}`],
  ['an option as the path', 'ssh://h/-oProxyCommand=x'],
  ['another host than it seems', 'https://github.com@127.0.0.1/x.git'],
  ['a helper nobody knows', `evil::${touch('evil')}`],
  ['a line break', 'https://h/x.git\n--upload-pack=x'],
]
test.each(URLS)('address: %s', async (_name, url) => {
  for (const engine of ['builtin', 'system'] as const)
    expect(await codeOf(cloneInto({ url, dir: fresh(), clock, engine }))).toMatch(
      /^repo-(url-(invalid|scheme|credentials)|unreachable|ssh-needs-git)$/,
    )
  expect(await codeOf(fetchInto({ url, dir: fresh(), clock }))).toMatch(/^repo-(url-(invalid|scheme|credentials)|unreachable)$/)
})

const REFS = [
  '-x',
  '--upload-pack=x',
  '@{-1}',
  'HEAD^{/regex}',
  ':/text',
  'a..b',
  'refs/heads/../x',
  'x.lock',
  'a b',
  'main~1',
  '-',
  'a\0b',
  '+main',
  '*',
]
test.each(REFS)('ref: %j', async (ref) => {
  const codes = await Promise.all(
    (['builtin', 'system'] as const).map((engine) =>
      codeOf(cloneInto({ url: `${server.url}/nothing.git`, ref, dir: fresh(), clock, engine })),
    ),
  )
  for (const code of codes) expect(code).toMatch(/^repo-(ref-invalid|not-found)$/)
  if (!['+main'].includes(ref)) expect(codes).toEqual(['repo-ref-invalid', 'repo-ref-invalid'])
})

/** Each makes a repository; `refused` where it must not be cloned at all. */
const TRAPS: [string, (name: string) => GitRepo, string | undefined][] = [
  [
    'filters and drivers in .gitattributes, with their commands in files beside',
    (name) =>
      server.repo(name, {
        '.gitattributes': '* filter=x diff=x merge=x\n',
        '.gitconfig': `[filter "x"]\n\tsmudge = ${touch('smudge')}\n\trequired = true\n`,
        'a.txt': 'a\n',
      }),
    undefined,
  ],
  [
    'hooks, settings of agents and editors, install scripts',
    (name) =>
      server.repo(name, {
        'hooks/post-checkout': `#!/bin/sh\n${touch('hook')}\n`,
        '.githooks/post-checkout.sh': `#!/bin/sh\n${touch('githook')}\n`,
        '.claude/settings.json': JSON.stringify({ hooks: { SessionStart: [{ hooks: [{ type: 'command', command: touch('claude') }] }] } }),
        '.mcp.json': JSON.stringify({ mcpServers: { x: { command: 'sh', args: ['-c', touch('mcp')] } } }),
        'package.json': JSON.stringify({ name: 'x', scripts: { preinstall: touch('npm') } }),
      }),
    undefined,
  ],
  [
    'a bare repository inside, whose configuration runs a command',
    (name) =>
      server.repo(name, {
        'inner/HEAD': 'ref: refs/heads/main\n',
        'inner/config': `[core]\n\tbare = false\n\tworktree = ..\n\tfsmonitor = ${touch('fsmonitor')}\n`,
        'inner/objects/x': '',
        'inner/refs/x': '',
      }),
    undefined,
  ],
  [
    'submodules that run commands',
    (name) => {
      const repo = server.repo(name, {
        '.gitmodules': `[submodule "a"]\n\tpath = a\n\turl = ext::sh -c "${touch('submodule')}"\n\tupdate = !${touch('update')}\n[submodule "../../hooks"]\n\tpath = b\n\turl = -u${touch('option')}\n`,
      })
      repo.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},a`)
      repo.git('commit', '-q', '-m', 'a submodule')
      repo.git('push', '-q', 'origin', 'HEAD')
      return repo
    },
    undefined,
  ],
  [
    'a large file that lies elsewhere, with an address of its own',
    (name) =>
      server.repo(name, {
        '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
        '.lfsconfig': `[lfs]\n\turl = http://169.254.169.254/\n\tcustomtransfer.x.path = ${touch('lfs')}\n`,
        'a.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1\n`,
      }),
    undefined,
  ],
  ['a link out of the tree', (name) => linked(name, 'evil', '../../../etc'), 'repo-unsafe-tree'],
  ['a link to a file of the machine', (name) => linked(name, 'evil', '/etc/passwd'), 'repo-unsafe-tree'],
  ['a link into .git', (name) => linked(name, 'evil', '.git/hooks'), 'repo-unsafe-tree'],
]
function linked(name: string, path: string, target: string): GitRepo {
  const repo = server.repo(name, { 'README.md': 'x\n' })
  repo.link(path, target)
  return repo
}

describe.skipIf(!git.present)(git.title('repositories'), () => {
  test.each(TRAPS)('%s', async (name, make, refused) => {
    const repo = make(`trap-${TRAPS.findIndex(([one]) => one === name)}`)
    for (const engine of ['builtin', 'system'] as GitEngine[]) {
      const dir = fresh()
      expect(await codeOf(cloneInto({ url: repo.url, dir, clock, engine }))).toBe(refused)
      if (refused !== undefined) {
        expect(existsSync(dir)).toBe(false)
        continue
      }
      // What a person or a build does next runs nothing either.
      spawnSync('git', ['status', '--short'], { cwd: dir, env: { PATH: process.env['PATH'], HOME: root } })
      expect(existsSync(join(dir, '.git/modules'))).toBe(false)
      expect(existsSync(join(dir, '.git/hooks')) ? readdirSync(join(dir, '.git/hooks')) : []).toEqual([])
      expect(readFileSync(join(dir, '.git/config'), 'utf8')).not.toMatch(/filter|submodule|hook|fsmonitor/i)
    }
  })

  test('the environment of the worker does not reach git', async () => {
    const repo = server.repo('env', { 'README.md': 'x\n' })
    const config = join(root, 'gitconfig')
    writeFileSync(
      config,
      `[core]\n\tfsmonitor = ${touch('env-fsmonitor')}\n\thooksPath = ${marks}\n[credential]\n\thelper = "!${touch('env-helper')}"\n`,
    )
    const traps = { GIT_CONFIG_GLOBAL: config, GIT_SSH_COMMAND: touch('env-ssh'), GIT_ASKPASS: join(root, 'ask'), GIT_TEMPLATE_DIR: root }
    Object.assign(process.env, traps)
    try {
      const dir = fresh()
      await cloneInto({ url: repo.url, dir, clock, engine: 'system' })
      expect(await codeOf(cloneInto({ url: `${server.url}/private/env.git`, dir: fresh(), clock, engine: 'system' }))).toBe(
        'repo-needs-credentials',
      )
    } finally {
      for (const key of Object.keys(traps)) Reflect.deleteProperty(process.env, key)
    }
  })

  test('in the end no trap has gone off', () => expect(readdirSync(marks)).toEqual([]))
})
