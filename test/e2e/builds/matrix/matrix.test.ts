// Real projects, one of each ecosystem: cloned, detected, built and tested by a worker, their files handed on, and the reason of each
// command. Two at a time: the figures at the end say how long each took.
import { mkdtemp, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROVENANCE_NAME } from '../../../../protocols/builds/provenance.ts'
import type { TaskView } from '../../../../protocols/http/views.ts'
import type { GitServer } from '../../../support/git-http.ts'
import { createGitServer } from '../../../support/git-http.ts'
import type { RealMesh, RealNode } from '../../../support/real-mesh.ts'
import { createRealMesh } from '../../../support/real-mesh.ts'
import { requirement } from '../../../support/requirements.ts'
import { until } from '../../../support/until.ts'
import { COMPILED } from './compiled.ts'
import type { MatrixProject } from './matrix-project.ts'
import { SCRIPTING } from './scripting.ts'

/** The longest ones first. */
const PROJECTS: readonly MatrixProject[] = [...COMPILED, ...SCRIPTING]
const bwrap = requirement('bwrap')
const REPORT = 'nimbus-build.json'
const BUILD_MS_MAX = 240_000

describe.skipIf(!bwrap.present)(bwrap.title('real projects built by a worker'), () => {
  let mesh: RealMesh
  let server: GitServer
  let here: RealNode
  let there: RealNode
  let scratch: string
  beforeAll(async () => {
    server = await createGitServer()
    scratch = await mkdtemp(join(tmpdir(), 'nimbus-matrix-'))
    mesh = await createRealMesh()
    here = await mesh.add('here', ['--slots', '0'])
    there = await mesh.add('there', ['--slots', '2'])
    await mesh.settled()
  }, 120_000)
  afterAll(async () => {
    await mesh?.close()
    await server?.close()
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true, maxRetries: 5 })
  })

  const built = async (project: MatrixProject, url: string): Promise<TaskView> => {
    const { stdout } = await here.cli('task', 'publish', '--kind', 'build', '--repo', url, '--timeout', '4m', '--json')
    const { id } = JSON.parse(stdout) as { id: string }
    return until(
      async () => {
        const task = await here.task(id)
        return task.result === undefined ? undefined : task
      },
      { what: `the end of the build of ${project.name}`, timeoutMs: BUILD_MS_MAX, intervalMs: 250 },
    )
  }

  describe.concurrent('two at a time', { timeout: BUILD_MS_MAX }, () => {
    for (const project of PROJECTS) {
      const needs = project.needs.map(requirement)
      const absent = needs.find(({ present }) => !present)
      const title = absent?.title(project.name) ?? project.name
      test.skipIf(absent !== undefined)(title, async () => {
        const dir = join(scratch, String(PROJECTS.indexOf(project)))
        await mkdir(dir)
        await project.make(dir)
        const repo = server.repo(`project-${PROJECTS.indexOf(project)}`, await filesOf(dir))
        const task = await built(project, repo.url)
        expect({ state: task.state, tail: task.state === 'succeeded' ? '' : task.result?.tail }).toEqual({ state: 'succeeded', tail: '' })
        expect(task.attempts.map(({ worker }) => worker)).toEqual([there.ready.peerId])
        expect(task.result?.build?.commit).toBe(repo.git('rev-parse', 'HEAD').trim())
        expect(task.result?.artifacts?.map(({ path }) => path)).toEqual([...project.leaves, REPORT, PROVENANCE_NAME])
        const report = await here.api<{ plan: { reasons: string[] }; tries: { failure?: string }[]; flaky?: boolean }>(
          `/api/artifacts/${task.result?.artifacts?.at(-2)?.hash}`,
        )
        expect(report.body.plan.reasons).toEqual(project.reasons)
        expect(report.body.tries.filter(({ failure }) => failure !== undefined)).toEqual([])
        const [attempt] = task.attempts
        console.log(`${project.name}: built in ${(attempt?.endedAt ?? 0) - (attempt?.startedAt ?? 0)} ms`)
      })
    }
  })
})

/** What a generator made, ready to be committed; what it installed for itself is not. */
async function filesOf(dir: string): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {}
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && !path.includes('/node_modules/')) files[path.slice(dir.length + 1)] = await readFile(path)
  }
  return files
}
