// What a session made, taken over from another node: forecast, merge and pull request at a server that asks who is there.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MergeView, PullRequestView } from '../../../protocols/http/sessions.ts'
import { createGitServer, type Door, type GitServer } from '../../support/git-http.ts'
import { createRealMesh, runCli, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { type Forge, startForge } from '../../support/servers/forge.ts'
import { inState, start } from './agent-mesh.ts'

const TOKEN = 'canary-forge-5b1e09d7c2'
const needed = requirement('git')

describe.skipIf(!needed.present)(needed.title('what a session made'), () => {
  let git: GitServer
  let forge: Forge
  let door: Door
  let mesh: RealMesh
  let a: RealNode

  beforeAll(async () => {
    git = await createGitServer()
    forge = await startForge(git, { token: TOKEN })
    const basic = `Basic ${Buffer.from(`x-access-token:${TOKEN}`).toString('base64')}`
    door = git.door('acme', { challenge: 'Basic realm="forge"', accepts: (given) => given === basic })
    mesh = await createRealMesh()
    a = await mesh.add('a')
    await mesh.add('b')
    await mesh.settled()
  })
  afterAll(async () => {
    await mesh?.close()
    await forge?.close()
    await git?.close()
  })

  const worked = (url: string, prompt: string, script: string): Promise<string> =>
    start(a, { prompt, repo: url, driver: 'command', command: ['sh', '-c', script], sandbox: 'none', worker: 'b' }).then(async ({ id }) => {
      await inState(a, id, 'done')
      return id
    })
  const cli = async <View>(...args: string[]): Promise<{ code: number; view: View; stderr: string }> => {
    const { code, stdout, stderr } = await a.cli('session', ...args, '--json')
    return { code, stderr, view: (stdout === '' ? undefined : JSON.parse(stdout)) as View }
  }

  test('is offered as a pull request once, and merged by a push, with the token that the mesh has for that place and nothing else', async () => {
    const repo = git.repo('adder', { 'add.mjs': 'export const add = (a, b) => a - b\n', 'other.txt': 'one\n' })
    const url = `${forge.url}/acme/adder.git`
    const place = new URL(url).host
    const secret = await runCli(['secret', 'set', 'FORGE_TOKEN'], { dataDir: a.dataDir, input: TOKEN })
    expect(secret.code, secret.stderr).toBe(0)
    expect((await a.cli('repo', 'auth', 'set', place, '--secret', 'FORGE_TOKEN')).code).toBe(0)

    const id = await worked(url, 'Fix the sign', `sed -i 's/a - b/a + b/' add.mjs; git commit -qam 'add adds'`)
    const checked = await cli<MergeView>('merge', id, '--check')
    expect([checked.code, checked.view, checked.stderr]).toMatchObject([0, { merged: false, into: 'main', conflicts: [] }, ''])
    const first = repo.git('ls-remote', 'origin', 'refs/heads/main')

    const offered = await cli<PullRequestView>('merge', id, '--pull-request')
    expect(offered.code, offered.stderr).toBe(0)
    expect(offered.view).toMatchObject({
      branch: `nimbus/${id}`,
      into: 'main',
      number: 1347,
      existed: false,
      address: `${forge.url}/acme/adder/pull/1347`,
    })
    expect(repo.git('ls-remote', 'origin', `refs/heads/nimbus/${id}`)).toContain(offered.view.commit)
    expect(repo.git('ls-remote', 'origin', 'refs/heads/main'), 'a check and an offer push nothing to main').toBe(first)
    expect(forge.asked[0]).toMatchObject({
      method: 'POST',
      path: '/api/v3/repos/acme/adder/pulls',
      headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
      body: { title: 'Fix the sign', head: `nimbus/${id}`, base: 'main', body: expect.stringContaining('add.mjs') },
    })
    expect((await cli<PullRequestView>('merge', id, '--pull-request')).view).toMatchObject({ number: 1347, existed: true })

    const merged = await cli<MergeView>('merge', id)
    expect([merged.code, merged.stderr]).toEqual([0, ''])
    repo.git('fetch', '-q', 'origin')
    expect(repo.git('show', 'origin/main:add.mjs')).toContain('a + b')
    expect(door.asked).toBeGreaterThan(5)

    // A second one that changes the same line: told before and at the merge, nothing pushed, nothing lost, and still there to be offered.
    const again = await worked(url, 'Fix it otherwise', `sed -i 's/a + b/b + a/' add.mjs; git commit -qam 'the other way'`)
    repo.git('merge', '-q', '--ff-only', 'origin/main')
    const other = repo.commit('meanwhile', { 'add.mjs': 'export const add = (...all) => all.reduce((a, b) => a + b)\n' })
    for (const flags of [['--check'], []]) {
      const conflict = await cli<MergeView>('merge', again, ...flags)
      expect([conflict.code, conflict.view]).toMatchObject([1, { merged: false, conflicts: ['add.mjs'] }])
    }
    repo.git('fetch', '-q', 'origin')
    expect(repo.git('rev-parse', 'origin/main').trim()).toBe(other)
    expect((await a.cli('session', 'diff', again)).stdout).toContain('+export const add = (a, b) => b + a')
    expect((await cli<PullRequestView>('merge', again, '--pull-request')).view).toMatchObject({ number: 1348, existed: false })
  })

  test('is not pushed where the mesh has no token for the place, which is said with the cure', async () => {
    const repo = git.repo('open', { 'a.txt': 'one\n' })
    const id = await worked(repo.url, 'Two', 'echo two >> a.txt')
    const refused = await cli<unknown>('merge', id, '--pull-request')
    expect(refused.code).toBe(4)
    expect(refused.stderr).toContain('nimbus repo auth set')
    expect(repo.git('ls-remote', 'origin')).not.toContain(`nimbus/${id}`)
    expect((await cli<MergeView>('merge', id)).view).toMatchObject({ merged: true })
  })
})
