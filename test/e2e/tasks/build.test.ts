// A task of kind `build`: a worker finds out how a repository is built, and does it, in its sandbox.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TaskView } from '../../../protocols/http/views.ts'
import type { GitServer } from '../../support/git-http.ts'
import { createGitServer } from '../../support/git-http.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'

const bwrap = requirement('bwrap')

describe.skipIf(!bwrap.present)(bwrap.title('builds on workers'), () => {
  let mesh: RealMesh
  let server: GitServer
  let here: RealNode
  let there: RealNode
  beforeAll(async () => {
    server = await createGitServer()
    mesh = await createRealMesh()
    here = await mesh.add('here', ['--slots', '0'])
    there = await mesh.add('there')
    await mesh.settled()
  }, 60_000)
  afterAll(async () => {
    await mesh?.close()
    await server?.close()
  })

  const buildOf = async (repo: string): Promise<{ code: number; stderr: string; task: TaskView }> => {
    const { code, stdout, stderr } = await here.cli('task', 'run', '--kind', 'build', '--repo', repo, '--timeout', '2m', '--json')
    const ended = stdout.split('\n').find((line) => line.startsWith('{"event":"ended"'))
    return { code, stderr, task: (JSON.parse(ended ?? '{}') as { task: TaskView }).task }
  }

  test('clone, detect, build, test, and the files that it leaves, from another node', { timeout: 90_000 }, async () => {
    const repo = server.repo('made', {
      Makefile:
        'all: out.txt\nout.txt: in.txt\n\ttr a-z A-Z < in.txt > out.txt\ntest: out.txt\n\tgrep -q HELLO out.txt\n.PHONY: all test\n',
      'in.txt': 'hello\n',
    })
    const { code, task } = await buildOf(repo.url)
    expect({ code, state: task.state, worker: task.attempts[0]?.worker }).toEqual({
      code: 0,
      state: 'succeeded',
      worker: there.ready.peerId,
    })
    expect(task.result?.build).toEqual({ commands: 2, commit: repo.git('rev-parse', 'HEAD').trim() })
    expect(task.result?.artifacts?.map(({ path }) => path)).toEqual(['out.txt', 'nimbus-build.json', 'nimbus-provenance.json'])
    const got = await here.cli('artifact', 'get', task.id, 'out.txt', '-o', mesh.dir)
    expect(got.code).toBe(0)
    const report = await fetch(`${here.ready.http}/api/artifacts/${task.result?.artifacts?.[1]?.hash}`, {
      headers: { authorization: `Bearer ${here.token}` },
    })
    expect(await report.json()).toMatchObject({
      result: 'succeeded',
      plan: { reasons: expect.arrayContaining(['Makefile → make all', 'Makefile has a target "test" → make test']) },
    })
  })

  test('a build that fails says in which way, its output is the log, and it names the last good one', { timeout: 90_000 }, async () => {
    const repo = server.repo('broken', { Makefile: 'all:\n\tcc -c main.c\n', 'main.c': 'int main(void) { return 0; }\n' })
    const good = await buildOf(repo.url)
    expect(good.task.state).toBe('succeeded')
    const first = repo.git('rev-parse', 'HEAD').trim()
    repo.commit('break it', { 'main.c': 'int main( {\n' })
    const { code, task } = await buildOf(repo.url)
    expect({ code, state: task.state }).toEqual({ code: 1, state: 'failed' })
    expect(task.result?.build).toMatchObject({ failure: 'compile', commands: 2, lastGood: { task: good.task.id, commit: first } })
    expect(task.result?.tail).toContain('Nothing more is tried')
  })
})
