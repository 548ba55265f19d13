// Begins a hosted repository with what another one has: all of its branches and tags. That one is only read.
import { isAbsolute } from 'node:path'
import { HOSTED_REFS_MAX } from '../../../protocols/limits.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { parseRepoUrl } from '../../repos/repo-url.ts'
import { hostedRef } from '../../../protocols/githost/hosted-names.ts'
import type { BareRepos } from './bare-repos.ts'
import { type Git, wordsOf } from './git.ts'
import type { RefMove } from '../refs/heads.ts'
import type { ReceiveComponents } from '../serving/receive.ts'
import { SESSION_MS_MAX } from '../serving/upload.ts'

const DRAFT = 'refs/nimbus/import/'

type Import = { git: Git; repos: BareRepos; repo: string; from: string; by: PeerId }

/** @param request.from an absolute path, or an address of http(s) */
export async function importInto({ move }: Pick<ReceiveComponents, 'move'>, { git, repos, repo, from, by }: Import): Promise<void> {
  const source = isAbsolute(from) ? from : parseRepoUrl(from).href
  const dir = repos.dirOf(repo)
  const fetched = await git.run(
    dir,
    [
      'fetch',
      '--quiet',
      '--no-tags',
      '--no-write-fetch-head',
      '--',
      source,
      `+refs/heads/*:${DRAFT}heads/*`,
      `+refs/tags/*:${DRAFT}tags/*`,
    ],
    { transports: isAbsolute(from) ? 'file' : 'http:https', timeoutMs: SESSION_MS_MAX },
  )
  if (fetched.exitCode !== 0)
    throw new NimbusError('repo-not-read', `The repository ${JSON.stringify(from.slice(0, 200))} could not be read: ${wordsOf(fetched)}.`, {
      cure: 'Give the folder of a repository on this machine, or an http(s) address that needs no password.',
    })
  const listing = await git.must(dir, ['for-each-ref', '--format=%(objectname) %(refname)', DRAFT])
  const moves = listing.split('\n').flatMap((line): RefMove[] => {
    const ref = `refs/${line.slice(41 + DRAFT.length)}`
    return line !== '' && hostedRef.safeParse(ref).success ? [{ ref, from: undefined, to: line.slice(0, 40) }] : []
  })
  if (moves.length > HOSTED_REFS_MAX)
    throw new NimbusError('repo-too-many-refs', `${from} has ${moves.length} branches and tags, and ${HOSTED_REFS_MAX} are the limit.`, {
      kind: 'refused',
      cure: `Begin an empty one and push what matters: nimbus repo host ${repo}; git push nimbus://mesh/${repo} main.`,
    })
  const outcomes = await move(repo, moves, by, true)
  const failed = [...outcomes.values()].find((outcome) => outcome !== 'moved')
  if (failed !== undefined)
    throw new NimbusError('repo-not-hosted', `${repo} could not be begun: ${failed.reason}.`, { kind: 'busy', cure: 'Try again.' })
  const drafts = listing.split('\n').flatMap((line) => (line === '' ? [] : [`delete ${line.slice(41)}`]))
  if (drafts.length > 0) await git.must(dir, ['update-ref', '--stdin'], { input: `${drafts.join('\n')}\n` })
}
