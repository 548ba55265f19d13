// Takes over what a session made: its commits, merged into a branch of the origin and pushed, or offered there as a pull request. Conflicts
// are told, nothing is forced.
import type { MergeView, PullRequestView, SessionMerge, SessionOffer, SessionView } from '../../../protocols/http/sessions.ts'
import type { RepoCredential } from '../../repos/auth/credential.ts'
import { openPullRequest } from '../../repos/forge/github.ts'
import { inWorkshop, refusal, type Workshop, type WorkshopComponents } from './workshop.ts'

export type ResultComponents = WorkshopComponents & {
  /** What the mesh has for the place of a repository. */
  credentialFor(url: string): Promise<RepoCredential | undefined>
  /** Other sessions that are not over. */
  others(session: string): SessionView[]
}

const TITLE_MAX = 120

/** With `check` it is only looked at: nothing is pushed. */
export async function mergeSession(
  components: ResultComponents,
  session: SessionView,
  { into: wanted, check = false }: SessionMerge,
  signal: AbortSignal,
): Promise<MergeView> {
  const merged = await inWorkshop(components, { session, wanted, signal }, async (shop) => {
    const made = await mergedIn(shop, session.id)
    const { into } = shop
    if ('conflicts' in made) return { merged: false, into, conflicts: made.conflicts }
    if (check) return { merged: false, into, conflicts: [] }
    await shop.push(made.commit, into)
    return { merged: true, into, commit: made.commit }
  })
  return { session: session.id, ...merged, touchedBy: touchedBy(session, components.others(session.id)) }
}

/** Pushes the session's own branch and opens a pull request for it; one that is open already is answered again. */
export async function offerSession(
  components: ResultComponents,
  session: SessionView,
  { into: wanted, title, body }: SessionOffer,
  signal: AbortSignal,
): Promise<PullRequestView> {
  const token = session.repo === undefined ? undefined : (await components.credentialFor(session.repo))?.secret
  return inWorkshop(components, { session, wanted, signal }, async ({ branch, into, git, must, push }, untilLate) => {
    const url = session.repo ?? ''
    if (token === undefined)
      throw refusal(
        'forge-needs-token',
        'A pull request needs a token, and the mesh has none for this repository.',
        `nimbus secret set NAME < FILE, then nimbus repo auth set ${new URL(url).host} --secret NAME`,
      )
    const commit = (await must(git('rev-parse', '--verify', `refs/heads/${branch}`), 'find its branch')).trim()
    await push(commit, branch)
    const words = { title: title ?? titleOf(session), body: body ?? bodyOf(session) }
    const { number, address, existed } = await openPullRequest({ url, token, head: branch, base: into, ...words, signal: untilLate })
    return { session: session.id, branch, into, commit, number, address, existed }
  })
}

async function mergedIn({ git, must, branch, into }: Workshop, session: string): Promise<{ commit: string } | { conflicts: string[] }> {
  const ours = `refs/heads/${into}`
  const theirs = `refs/heads/${branch}`
  const commit = (await must(git('rev-parse', '--verify', theirs), 'find its branch')).trim()
  if ((await git('merge-base', '--is-ancestor', ours, theirs)).exitCode === 0) return { commit }
  const tried = git('merge-tree', '--write-tree', '--name-only', '--no-messages', ours, theirs)
  const { exitCode, stdout } = await tried
  const [tree = '', ...names] = stdout.trim().split('\n')
  if (exitCode === 1) return { conflicts: names.filter((name) => name !== '') }
  await must(tried, 'merge')
  const words = ['commit-tree', tree, '-p', ours, '-p', theirs, '-m', `Merge session ${session}`]
  return { commit: (await must(git(...words), 'commit the merge')).trim() }
}

/** Files that open sessions of the same repository change too: where the next conflict will be. */
function touchedBy(session: SessionView, others: readonly SessionView[]): MergeView['touchedBy'] {
  return others
    .filter(({ repo }) => repo === session.repo)
    .map(({ id, files }) => ({ session: id, files: files.filter((file) => session.files.includes(file)) }))
    .filter(({ files }) => files.length > 0)
}

function titleOf({ name, prompt, id }: SessionView): string {
  const line = (name ?? prompt).trim().split('\n')[0] ?? ''
  return line === '' ? `Session ${id}` : line.slice(0, TITLE_MAX)
}

function bodyOf({ id, said, files }: SessionView): string {
  return [said?.trim() ?? '', files.length === 0 ? '' : `Files: ${files.slice(0, 50).join(', ')}`, `Nimbus session ${id}`]
    .filter((part) => part !== '')
    .join('\n\n')
}
