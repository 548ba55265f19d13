// Tasks in private repositories, as a person sets them up: a secret, a line that says where it counts, a task that names only the
// repository. The secret is then looked for everywhere it must not be.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGitServer, type Door, type GitRepo, type GitServer } from '../../support/git-http.ts'
import { createRealMesh, runCli, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { startSshd, type Sshd } from '../../support/servers/sshd.ts'
import { ended, publish } from '../promises/promise-mesh.ts'

const CANARY = 'canary-c41d8f07a2b96e35'
const git = requirement('git')
const sshd = requirement('sshd')

describe.skipIf(!git.present)(git.title('tasks in private repositories'), () => {
  let server: GitServer
  let repo: GitRepo
  let door: Door
  let mesh: RealMesh
  let here: RealNode
  let events = ''
  const stop = new AbortController()

  const setSecret = async (name: string, value: string, ...flags: string[]): Promise<void> => {
    const { code, stderr } = await runCli(['secret', 'set', name, ...flags], { dataDir: here.dataDir, input: value })
    expect([code, stderr]).toEqual([0, ''])
  }
  const basic = (user: string): string => `Basic ${Buffer.from(`${user}:${CANARY}`).toString('base64')}`
  const run = (url: string, ...flags: string[]) =>
    here.cli('task', 'run', '--worker', 'there', '--repo', url, ...flags, '--', 'sh', '-c', 'cat README.md; env; cat .git/config')

  beforeAll(async () => {
    server = await createGitServer()
    repo = server.repo('project', { 'README.md': 'private words\n' })
    door = server.door('team', { challenge: 'Basic realm="git"', accepts: (given) => given === basic('ada') })
    server.door('forge', { challenge: 'Bearer realm="forge"', accepts: (given) => given === `Bearer ${CANARY}` })
    mesh = await createRealMesh()
    here = await mesh.add('here')
    await mesh.add('there')
    await mesh.settled()
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${here.token}` }
    const stream = await fetch(`${here.ready.http}/api/events`, { headers, signal: stop.signal })
    const read = async (): Promise<void> => {
      for await (const piece of stream.body ?? []) events += Buffer.from(piece).toString()
    }
    read().catch(() => {}) // it ends with the test
    await setSecret('GIT_TOKEN', CANARY)
  })
  afterAll(async () => {
    stop.abort()
    await mesh?.close()
    await server?.close()
  })

  test('the longest place that is set opens a repository, by password or bearer token, and the command does not get the secret', async () => {
    const host = server.url.replace('http://', '')
    for (const [place, ...flags] of [
      [host, '--secret', 'GIT_TOKEN'],
      [`${host}/team`, '--secret', 'GIT_TOKEN', '--user', 'ada'],
    ] as const) {
      const set = await here.cli('repo', 'auth', 'set', place, ...flags)
      expect([set.code, set.stderr]).toEqual([0, ''])
    }
    const listed = await here.cli('repo', 'auth', 'ls')
    expect(listed.stdout).toMatch(new RegExp(`${host}/team\\s+the secret GIT_TOKEN\\s+ada`))
    for (const name of ['team', 'forge']) {
      const done = await run(`${server.url}/${name}/project.git`)
      expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('private words')])
      expect(done.stdout + done.stderr).not.toContain(CANARY)
      expect(done.stdout).toContain(`${name}/project.git`)
    }
  })

  test('a task may name a secret of its own; a wrong one is one clear error and one question to the server', async () => {
    await setSecret('OTHER', 'not-the-right-one')
    const asked = door.asked
    const wrong = await ended(
      here,
      await publish(here, { argv: ['true'], repo: `${server.url}/team/project.git`, repoAuth: { secret: 'OTHER', user: 'ada' } }),
    )
    expect([wrong.state, wrong.result?.error]).toEqual([
      'failed',
      expect.stringContaining('refused the secret OTHER for /team/project.git (401)'),
    ])
    expect(door.asked).toBe(asked + 2)
    const right = await run(`${server.url}/team/project.git`, '--repo-secret', 'GIT_TOKEN', '--repo-user', 'ada')
    expect([right.code, right.stdout]).toEqual([0, expect.stringContaining('private words')])
  })

  test('a submodule is read with the secret of its place only where its parent was: no public repository has a private one read for it', async () => {
    const naming = (name: string): GitRepo => {
      const made = server.repo(name, { 'README.md': `${name}\n`, 'nimbus.yaml': 'submodules: true\n' })
      made.commit('address', { '.gitmodules': `[submodule "p"]\n\tpath = p\n\turl = ${server.url}/team/project.git\n` })
      made.git('update-index', '--add', '--cacheinfo', `160000,${repo.git('rev-parse', 'HEAD').trim()},p`)
      made.git('commit', '-q', '-m', 'a submodule')
      made.git('push', '-q', 'origin', 'HEAD')
      return made
    }
    const outside = await run(naming('outside').url)
    expect([outside.code, outside.stdout]).toEqual([125, ''])
    expect(outside.stderr).toContain('The submodule "p" could not be fetched.')
    naming('inside')
    const inside = `${server.url}/team/inside.git`
    const done = await here.cli('task', 'run', '--worker', 'there', '--repo', inside, '--', 'cat', 'README.md', 'p/README.md')
    expect([done.code, done.stdout]).toEqual([0, 'inside\nprivate words\n'])
  })

  test('an address with a password in it is refused by name, before anything is published', async () => {
    const done = await run(`http://ada:${CANARY}@127.0.0.1:1/x.git`)
    expect(done.code).not.toBe(0)
    expect(done.stderr).toMatch(/credentials/)
    expect(done.stdout + done.stderr).not.toContain(CANARY)
  })

  test.skipIf(!sshd.present)(sshd.title('over SSH, with a key from the secret store and a host key that was set'), async () => {
    const host: Sshd = await startSshd(sshd.path ?? '')
    try {
      await setSecret('DEPLOY_KEY', host.key)
      const set = await here.cli('repo', 'auth', 'set', `127.0.0.1:${host.port}`, '--secret', 'DEPLOY_KEY', '--host-key', host.hostKey)
      expect([set.code, set.stderr]).toEqual([0, ''])
      const done = await run(`ssh://${host.user}@127.0.0.1:${host.port}${repo.bare}`)
      expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('private words')])
      for (const node of mesh.nodes) expect(filesWith(node.dataDir, host.key.split('\n')[2] ?? '')).toEqual([])
    } finally {
      await host.close()
    }
  })

  test('the secret is in no file of either node, in no event and in no log', async () => {
    const forms = [
      CANARY,
      basic('ada').slice(6),
      Buffer.from(CANARY).toString('base64').replace(/=+$/, ''),
      Buffer.from(CANARY).toString('hex'),
    ]
    for (const form of forms) {
      for (const node of mesh.nodes) expect(filesWith(node.dataDir, form)).toEqual([])
      expect(events).not.toContain(form)
    }
    expect(events).toContain('task.updated')
  })
})

/** LevelDB compresses nothing that is as random as this, so that plain reading finds it. */
function filesWith(dir: string, text: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name)
    return entry.isFile() && readFileSync(path, 'latin1').includes(text) ? [path] : []
  })
}
