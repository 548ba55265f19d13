// A place to take over what a session made: a fresh bare clone of its origin, which has no work tree, no hooks and no settings of the
// repository, with the session's commits in it. The session's own folder is not touched, so nothing unmerged is lost.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SessionView } from '../../../protocols/http/sessions.ts'
import type { Clock } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import { systemGit } from '../../repos/clone.ts'
import type { Remote } from '../../repos/system/remote-access.ts'
import { createGit } from '../../repos/system/git-command.ts'
import type { RanCommand } from '../../runner/commands/run-command.ts'
import type { SessionReading } from '../session-reading.ts'

export type WorkshopComponents = {
  clock: Clock
  reading: Pick<SessionReading, 'bundle'>
  /** Reaches the repository, to read and to push, with what the mesh has for its place. */
  withRemote<Result>(url: string, signal: AbortSignal, work: (remote: Remote) => Promise<Result>): Promise<Result>
}

export type Workshop = {
  /** Of the session, and of the origin. */
  branch: string
  into: string
  /** Git in the clone, which reaches nothing. */
  git(...args: string[]): Promise<RanCommand>
  /** @throws NimbusError `merge-failed` that says what could not be done */
  must(step: Promise<RanCommand>, what: string): Promise<string>
  /** To the origin, never by force. */
  push(commit: string, branch: string): Promise<void>
}

/** All of it; a server that says nothing for so long is given up. */
const WORK_MS_MAX = 600_000
const IDENTITY = {
  GIT_AUTHOR_NAME: 'Nimbus',
  GIT_AUTHOR_EMAIL: 'merge@nimbus.invalid',
  GIT_COMMITTER_NAME: 'Nimbus',
  GIT_COMMITTER_EMAIL: 'merge@nimbus.invalid',
}

/** @param wanted the branch of the origin; without it the one that the session began at, or the default */
export async function inWorkshop<Result>(
  components: WorkshopComponents,
  { session, wanted, signal }: { session: SessionView; wanted: string | undefined; signal: AbortSignal },
  work: (shop: Workshop, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { repo, branch } = mergeable(session)
  const bundle = await components.reading.bundle(session.id, signal)
  if (bundle === undefined)
    throw refusal('nothing-to-merge', `Session ${session.id} has not put its work away yet.`, 'Wait for its end, or stop it.')
  const gitFile = systemGit()
  const dir = await mkdtemp(join(tmpdir(), 'nimbus-merge-'))
  const late = new AbortController()
  const cancel = components.clock.after(WORK_MS_MAX, () => late.abort(new Error('it took too long')))
  const both = AbortSignal.any([signal, late.signal])
  try {
    const file = join(dir, 'session.bundle')
    await writeFile(file, bundle.bytes)
    return await components.withRemote(repo, both, async ({ url, access }) => {
      const bare = join(dir, 'repo.git')
      const options = { signal: both, env: IDENTITY }
      const local = createGit(gitFile, bare)
      const git = (...args: string[]): Promise<RanCommand> => local.run(args, options)
      const clone = ['-c', 'transfer.fsckObjects=true', 'clone', '-q', '--bare', '--template=', '--', url, bare]
      await must(createGit(gitFile, dir, access).run(clone, { signal: both }), 'clone')
      const fetch = ['-c', 'transfer.fsckObjects=true', 'fetch', '-q', file, `refs/heads/${branch}:refs/heads/${branch}`]
      await must(createGit(gitFile, bare, { protocols: 'file' }).run(fetch, { signal: both }), 'read the commits of the session')
      const into = wanted ?? session.ref ?? (await must(git('symbolic-ref', '--short', 'HEAD'), 'find the default branch')).trim()
      await must(git('check-ref-format', '--branch', into), `use ${into}, which is no branch,`)
      const push = async (commit: string, to: string): Promise<void> => {
        const args = ['push', '-q', '--', url, `${commit}:refs/heads/${to}`]
        await must(createGit(gitFile, bare, access).run(args, { signal: both }), `push to ${to}`)
      }
      return work({ branch, into, git, must, push }, both)
    })
  } finally {
    cancel()
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

function mergeable({ id, repo, commit, base, branch }: SessionView): { repo: string; branch: string } {
  if (repo === undefined || branch === undefined)
    throw refusal('no-repository', `Session ${id} has no repository.`, 'nimbus session messages shows what it did.')
  if (commit === undefined || commit === base)
    throw refusal('nothing-to-merge', `Session ${id} has committed nothing.`, 'nimbus session send gives it more to do.')
  return { repo, branch }
}

async function must(step: Promise<RanCommand>, what: string): Promise<string> {
  let said: string
  try {
    const { exitCode, stdout, stderr } = await step
    if (exitCode === 0) return stdout
    said = stderr.trim() || stdout.trim()
  } catch (error) {
    said = messageOf(error)
  }
  throw new NimbusError('merge-failed', `Git could not ${what}: ${said.slice(-400)}`, {
    cure: 'Its commits are kept: nimbus artifact get TASK session.bundle, then git fetch session.bundle.',
  })
}

export function refusal(code: string, message: string, cure: string): NimbusError {
  return new NimbusError(code, message, { kind: 'refused', cure })
}
