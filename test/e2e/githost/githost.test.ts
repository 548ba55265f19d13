// The mesh as git host, with the machine's own git against three workers and a viewer: clone, push, what is refused and why, two
// pushes to one branch at once, a worker that serves killed, a minority.
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HostedRepoView } from '../../../protocols/http/hosted.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh, startRealNode } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'
import { commit, git, HELPER_DIR, must } from './git-beside.ts'

const gitTool = requirement('git')
let mesh: RealMesh
let box: RealNode
let attic: RealNode
let shed: RealNode
let viewer: RealNode

const hosted = async (node: RealNode, name = 'app'): Promise<HostedRepoView> =>
  (await node.api<HostedRepoView>(`/api/hosted-repos/${name}`)).body
const headOf = async (node: RealNode, branch = 'main'): Promise<string | undefined> =>
  (await hosted(node)).refs.find(({ ref }) => ref === `refs/heads/${branch}`)?.commit
const allCurrent = (node: RealNode, holders: number, commitId: string): Promise<unknown> =>
  until(
    async () => {
      const view = await hosted(node)
      return view.holders.filter(({ current }) => current).length === holders && view.refs[0]?.commit === commitId
    },
    { what: `${holders} workers that keep ${commitId}`, timeoutMs: 30_000 },
  )

beforeAll(async () => {
  mesh = await createRealMesh()
  box = await mesh.add('box')
  attic = await mesh.add('attic')
  shed = await mesh.add('shed')
  const { invite } = JSON.parse((await box.cli('invite', '--role', 'viewer', '--json')).stdout) as { invite: string }
  viewer = await startRealNode(join(mesh.dir, 'viewer'), 'viewer', [], ['--join', invite])
  mesh.nodes.push(viewer)
  await mesh.settled()
  await until(async () => (await box.api<{ items: { seats: unknown[] }[] }>('/api/groups')).body.items[0]?.seats.length === 3, {
    what: 'three keepers',
    timeoutMs: 60_000,
  })
}, 180_000)
afterAll(() => mesh.close())

describe.skipIf(!gitTool.present)(gitTool.title('the mesh as git host'), () => {
  test('a repository is hosted, cloned from any worker, and a push through one is seen by all', async () => {
    const work = join(mesh.dir, 'work')
    await mkdir(work)
    await must(box, work, 'init', '-q', '-b', 'main')
    const first = await commit(box, work, 'a.txt', 'one')
    await must(box, work, 'tag', 'v1')
    const begun = await box.cli('repo', 'host', 'app', '--from', work)
    expect(begun, begun.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('nimbus://mesh/app') })
    await until(async () => (await headOf(attic)) === first, { what: 'the head on another node' })
    expect(await attic.cli('repo', 'host', 'app')).toMatchObject({ code: 0 })
    expect(await shed.cli('repo', 'host', 'app')).toMatchObject({ code: 0 })
    await allCurrent(box, 3, first)

    const clone = join(mesh.dir, 'clone')
    await must(shed, mesh.dir, 'clone', '-q', 'nimbus://box/app', clone)
    expect(await readFile(join(clone, 'a.txt'), 'utf8')).toBe('one')
    expect(await must(shed, clone, 'tag')).toBe('v1')
    const second = await commit(shed, clone, 'b.txt', 'two')
    const pushed = await git(shed, clone, 'push', '--progress', 'origin', 'main')
    expect(pushed, pushed.stderr).toMatchObject({ code: 0, stderr: expect.stringMatching(/kept here and on (attic|shed)/) })
    await allCurrent(viewer, 3, second)
    expect((await hosted(viewer)).refs[0]).toMatchObject({ byName: 'shed' })
    // A viewer reads, from wherever it is.
    await must(viewer, mesh.dir, 'clone', '-q', 'nimbus://mesh/app', join(mesh.dir, 'viewed'))
    expect(await must(viewer, join(mesh.dir, 'viewed'), 'rev-parse', 'HEAD')).toBe(second)
    expect((await box.cli('repo', 'hosted')).stdout).toMatch(/nimbus:\/\/mesh\/app +main +\w+ +2 +.*box/)
  })

  test('what is refused says why: a viewer, a stale head, history that would be lost, other refs, an unknown repository', async () => {
    const clone = join(mesh.dir, 'clone')
    const before = await headOf(box)
    const viewed = join(mesh.dir, 'viewed')
    await commit(viewer, viewed, 'v.txt', 'mine')
    const byViewer = await git(viewer, viewed, 'push', 'nimbus://box/app', 'main')
    expect(byViewer).toMatchObject({ code: expect.not.toSatisfy((code) => code === 0), stderr: expect.stringContaining('may not push') })

    const stale = join(mesh.dir, 'stale')
    await must(shed, mesh.dir, 'clone', '-q', 'nimbus://attic/app', stale)
    await must(shed, stale, 'reset', '-q', '--hard', 'HEAD~1')
    await commit(shed, stale, 'c.txt', 'aside')
    const plain = await git(shed, stale, 'push', 'origin', 'main')
    expect(plain).toMatchObject({ code: 1, stderr: expect.stringMatching(/fetch first|non-fast-forward/) })
    const forced = await git(shed, stale, 'push', '--force', 'origin', 'main')
    expect(forced).toMatchObject({ code: 1, stderr: expect.stringContaining('non-fast-forward: it would lose commits of others') })
    expect(await git(shed, stale, 'push', 'origin', 'HEAD:refs/nimbus/x')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('only branches and tags are kept here'),
    })
    expect(await git(shed, stale, 'push', 'origin', ':main')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the default branch stays'),
    })
    expect(await git(shed, stale, 'push', '--force', 'origin', 'HEAD:refs/tags/v1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('a tag stays where it is'),
    })
    expect(await git(shed, clone, 'ls-remote', 'nimbus://box/nothing')).toMatchObject({
      code: 128,
      stderr: expect.stringContaining('hosts no repository'),
    })
    expect(await git(shed, clone, 'ls-remote', 'nimbus://viewer/app')).toMatchObject({
      code: 128,
      stderr: expect.stringContaining('does not keep the repository'),
    })
    expect(await headOf(box)).toBe(before)
    // Nothing of the refused pushes moved a ref of the folder either.
    expect(await must(box, join(box.dataDir, 'hosted', 'app.git'), 'rev-parse', 'refs/heads/main')).toBe(before)
    // Another branch is fine, and goes again.
    await must(shed, stale, 'push', '-q', 'origin', 'HEAD:refs/heads/aside')
    await must(shed, stale, 'push', '-q', 'origin', ':aside')
    await until(async () => (await headOf(viewer, 'aside')) === undefined, { what: 'the branch to go everywhere' })
  })

  test('a task runs in a repository of the mesh wherever it lands, and with its own token it may fetch and not push', async () => {
    const head = (await headOf(box)) as string
    const script = [
      'set -e; git rev-parse HEAD; git remote get-url origin; git clone -q nimbus://mesh/app again; cd again; git rev-parse HEAD',
      'git -c user.name=t -c user.email=t@t commit -q --allow-empty -m x; if git push -q origin HEAD:refs/heads/task; then echo pushed; fi',
    ].join('; ')
    const path = `${HELPER_DIR}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`
    const run = await shed.cli(
      'task',
      'run',
      '--repo',
      'nimbus://mesh/app',
      '--worker',
      'box',
      '--env',
      `PATH=${path}`,
      '--',
      'sh',
      '-c',
      script,
    )
    expect(run, run.stderr).toMatchObject({ code: 0, stdout: `${head}\nnimbus://mesh/app\n${head}\n` })
    expect(run.stderr).toContain('a task may clone and fetch, not push')
    expect(await headOf(box, 'task')).toBeUndefined()
    const old = await shed.cli(
      'task',
      'run',
      '--repo',
      'nimbus://attic/app',
      '--ref',
      'v1',
      '--worker',
      'shed',
      '--',
      'git',
      'log',
      '--format=%s',
    )
    expect(old, old.stderr).toMatchObject({ code: 0, stdout: 'a.txt: one\n' })
    const none = await shed.cli('task', 'run', '--repo', 'nimbus://mesh/none', '--', 'true')
    expect(none).toMatchObject({ code: 125, stderr: expect.stringContaining('hosts no repository "none"') })
  })

  test('of pushes to one branch through three workers at once, one wins each time and nothing is lost', async () => {
    const nodes = [box, attic, shed]
    const clones = await Promise.all(
      nodes.map(async (node) => {
        const dir = join(mesh.dir, `race-${node.name}`)
        await must(node, mesh.dir, 'clone', '-q', `nimbus://${node.name}/app`, dir)
        return dir
      }),
    )
    for (let round = 1; round <= 3; round++) {
      const start = (await headOf(box)) as string
      const commits = await Promise.all(
        nodes.map(async (node, at) => {
          await must(node, clones[at] as string, 'fetch', '-q', 'origin')
          await must(node, clones[at] as string, 'reset', '-q', '--hard', 'origin/main')
          return commit(node, clones[at] as string, `race-${node.name}.txt`, `round ${round}`)
        }),
      )
      const pushes = await Promise.all(nodes.map((node, at) => git(node, clones[at] as string, 'push', 'origin', 'main')))
      const winners = pushes.flatMap(({ code }, at) => (code === 0 ? [commits[at]] : []))
      expect(winners, pushes.map(({ stderr }) => stderr).join('\n')).toHaveLength(1)
      for (const { code, stderr } of pushes) if (code !== 0) expect(stderr).toMatch(/stale: \w+ moved it to|fetch first/)
      await allCurrent(viewer, 3, winners[0] as string)
      for (const node of nodes) {
        const folder = join(node.dataDir, 'hosted', 'app.git')
        await until(async () => (await git(node, folder, 'rev-parse', 'refs/heads/main')).stdout.trim() === winners[0], {
          what: `the head at ${node.name}`,
        })
        expect(await must(node, folder, 'rev-parse', 'refs/heads/main~1')).toBe(start)
      }
    }
  })

  test('when the worker that took a push is killed, clones and pushes go on at another; a minority moves no branch', async () => {
    const clone = join(mesh.dir, 'race-attic')
    await must(attic, clone, 'fetch', '-q', 'origin')
    await must(attic, clone, 'reset', '-q', '--hard', 'origin/main')
    await must(attic, clone, 'remote', 'set-url', 'origin', 'nimbus://mesh/app')
    const last = await commit(attic, clone, 'd.txt', 'through box')
    await must(attic, clone, 'push', '-q', 'nimbus://box/app', 'main')
    await box.kill()
    const after = join(mesh.dir, 'after')
    await must(viewer, mesh.dir, 'clone', '-q', 'nimbus://mesh/app', after)
    expect(await must(viewer, after, 'rev-parse', 'HEAD'), 'what was acknowledged is there').toBe(last)
    const next = await commit(attic, clone, 'e.txt', 'without box')
    await must(attic, clone, 'push', '-q', 'origin', 'main')
    await until(async () => (await headOf(shed)) === next, { what: 'the push without box' })

    await shed.kill()
    await commit(attic, clone, 'f.txt', 'alone')
    const alone = await git(attic, clone, 'push', 'origin', 'main')
    expect(alone).toMatchObject({ code: 1, stderr: expect.stringContaining('no majority of the keepers answered') })
    expect(await headOf(attic)).toBe(next)
    await Promise.all([box.restart(), shed.restart()])
    await mesh.settled()
    // Whether that push has counted is settled now; those that were away follow by themselves.
    await must(attic, clone, 'push', '-q', 'origin', 'main')
    await allCurrent(viewer, 3, await must(attic, clone, 'rev-parse', 'HEAD'))
  })
})
