// Takes over what a session made: its commits, merged into a branch of the origin and pushed. In a fresh bare clone, which has no work
// tree, no hooks and no settings of the repository; the session's own folder is not touched, so nothing unmerged is lost.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MergeView, SessionView } from '../../protocols/http/sessions.ts'
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import { parseRepoUrl } from '../repos/repo-url.ts'
import { findTool } from '../runner/commands/find-tools.ts'
import { runStep, type StepEnd } from '../runner/commands/run-step.ts'
import type { SessionReading } from './session-reading.ts'

export type MergeComponents = {
  clock: Clock
  path: string
  reading: Pick<SessionReading, 'bundle'>
  /** Other sessions that are not over. */
  others(session: string): SessionView[]
}
type Git = (...args: string[]) => Promise<StepEnd>

const STEP_MS_MAX = 300_000
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'transfer.fsckObjects=true',
  'protocol.allow=never',
  'protocol.http.allow=always',
  'protocol.https.allow=always',
  // The bundle is a file.
  'protocol.file.allow=always',
]
const NAME = 'Nimbus'
const ADDRESS = 'merge@nimbus.invalid'

export async function mergeSession(
  components: MergeComponents,
  session: SessionView,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<MergeView> {
  const { repo, commit, base, branch } = session
  if (repo === undefined || branch === undefined)
    throw refusal('no-repository', `Session ${session.id} has no repository.`, 'nimbus session messages shows what it did.')
  if (commit === undefined || commit === base)
    throw refusal('nothing-to-merge', `Session ${session.id} has committed nothing.`, 'nimbus session send gives it more to do.')
  const bundle = await components.reading.bundle(session.id, signal)
  if (bundle === undefined)
    throw refusal('nothing-to-merge', `Session ${session.id} has not put its work away yet.`, 'Wait for its end, or stop it.')
  const dir = await mkdtemp(join(tmpdir(), 'nimbus-merge-'))
  try {
    const file = join(dir, 'session.bundle')
    await writeFile(file, bundle.bytes)
    await mkdir(join(dir, 'home'))
    const git = gitIn(components, dir, signal)
    await must(git('clone', '-q', '--bare', '--template=', '--', parseRepoUrl(repo).href, join(dir, 'repo.git')), 'clone')
    await must(git('fetch', '-q', file, `refs/heads/${branch}:refs/heads/${branch}`), 'read the commits of the session')
    const into = wanted ?? session.ref ?? (await must(git('symbolic-ref', '--short', 'HEAD'), 'find the default branch')).trim()
    await must(git('check-ref-format', '--branch', into), `use ${into}, which is no branch,`)
    return { ...(await pushed(git, session.id, branch, into)), touchedBy: touchedBy(session, components.others(session.id)) }
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function pushed(git: Git, session: string, branch: string, into: string): Promise<Omit<MergeView, 'touchedBy'>> {
  const ours = `refs/heads/${into}`
  const theirs = `refs/heads/${branch}`
  let commit = (await must(git('rev-parse', '--verify', theirs), 'find its branch')).trim()
  if ((await git('merge-base', '--is-ancestor', ours, theirs)).exitCode !== 0) {
    const merged = await git('merge-tree', '--write-tree', '--name-only', '--no-messages', ours, theirs)
    const [tree = '', ...names] = merged.output.trim().split('\n')
    if (merged.exitCode === 1) return { session, merged: false, into, conflicts: names.filter((name) => name !== '') }
    if (merged.exitCode !== 0) throw failure('merge', merged)
    commit = (await must(git('commit-tree', tree, '-p', ours, '-p', theirs, '-m', `Merge session ${session}`), 'commit the merge')).trim()
  }
  await must(git('push', '-q', 'origin', `${commit}:refs/heads/${into}`), `push to ${into}`)
  return { session, merged: true, into, commit }
}

function gitIn({ clock, path }: MergeComponents, dir: string, signal: AbortSignal): Git {
  const program = findTool('git', path)
  if (program === undefined)
    throw refusal('git-missing', 'There is no git on this node, and a merge needs it.', 'apt-get install git, or merge at another node.')
  const env = {
    PATH: path,
    HOME: join(dir, 'home'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C.UTF-8',
    GIT_AUTHOR_NAME: NAME,
    GIT_AUTHOR_EMAIL: ADDRESS,
    GIT_COMMITTER_NAME: NAME,
    GIT_COMMITTER_EMAIL: ADDRESS,
  }
  return (...args) => {
    const where = args[0] === 'clone' ? [] : ['--git-dir', join(dir, 'repo.git')]
    const argv = [program, ...SETTINGS.flatMap((setting) => ['-c', setting]), ...where, ...args]
    return runStep(clock, { argv, cwd: dir, env, timeoutMs: STEP_MS_MAX, onOutput: () => {}, signal })
  }
}

/** Files that open sessions of the same repository change too: where the next conflict will be. */
function touchedBy(session: SessionView, others: readonly SessionView[]): MergeView['touchedBy'] {
  return others
    .filter(({ repo }) => repo === session.repo)
    .map(({ id, files }) => ({ session: id, files: files.filter((file) => session.files.includes(file)) }))
    .filter(({ files }) => files.length > 0)
}

async function must(step: Promise<StepEnd>, what: string): Promise<string> {
  const end = await step
  if (end.exitCode === 0) return end.output
  throw failure(what, end)
}

function failure(what: string, { output }: StepEnd): NimbusError {
  return new NimbusError('merge-failed', `Git could not ${what}: ${output.trim().slice(-400)}`, {
    cure: 'Its commits are kept: nimbus artifact get TASK session.bundle, then git fetch session.bundle.',
  })
}

function refusal(code: string, message: string, cure: string): NimbusError {
  return new NimbusError(code, message, { kind: 'refused', cure })
}
