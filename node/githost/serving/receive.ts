// Takes a push. The objects come into quarantine and are checked; then they belong to the repository, then to another worker that keeps
// it; only then the register is asked to move the branches, and what it says is the answer. A crash in between loses nothing that
// anybody was told.
import { NimbusError } from '../../kernel/errors.ts'
import { HOSTED_REFS_MAX } from '../../../protocols/limits.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { BareRepos, Quarantine } from '../keeping/bare-repos.ts'
import type { Channel, Session } from './channel.ts'
import type { Git } from '../keeping/git.ts'
import { wordsOf } from '../keeping/git.ts'
import type { RefMove } from '../refs/heads.ts'
import { pktReader, type PktReader } from './pkt-line.ts'
import { greeting, type Push, readPush, remark, reportOf } from './receive-commands.ts'
import { SESSION_MS_MAX } from './upload.ts'

/** Bytes of the objects of one push. */
const PUSH_BYTES_MAX = 2 * 1024 ** 3
/** Bytes of one hosted repository. */
const REPO_BYTES_MAX = 16 * 1024 ** 3
/** Old histories have these; nothing breaks by them. */
const PARDONED = ['zeroPaddedFilemode', 'badTimezone', 'missingSpaceBeforeDate'].map((flaw) => `${flaw}=ignore`).join(',')

/** Why a move was not made; `stale` is told with who was faster. */
export type MoveOutcome = 'moved' | { reason: string }

export type ReceiveComponents = {
  git: Git
  repos: BareRepos
  /** Lets other workers that keep the repository fetch these commits first. Answers the names of those that have. */
  spread(repo: string, commits: readonly string[]): Promise<string[]>
  /** Moves branches and tags in the register, and here. By ref. */
  move(repo: string, moves: readonly RefMove[], by: PeerId, isAtomic: boolean): Promise<Map<string, MoveOutcome>>
}

export function receiveSession(components: ReceiveComponents, repo: string, by: PeerId): Session {
  const { repos } = components
  return async (channel, gone) => {
    await channel.write(greeting(await repos.refs(repo)))
    const reader = pktReader(channel)
    const push = await readPush(reader)
    if (push === undefined) return
    const outcomes = new Map<string, string | undefined>(push.refused)
    const quarantine = await repos.quarantine(repo)
    try {
      const unpacked = await takeObjects(components, { repo, push, reader, quarantine, gone })
      if (unpacked !== 'ok')
        return await channel.write(reportOf(push, unpacked, refuseAll(push, outcomes, 'the objects did not arrive whole')))
      const moves: RefMove[] = []
      for (const move of push.moves) {
        const flaw = await flawOf(components, repo, move, quarantine)
        if (flaw === undefined) moves.push(move)
        else outcomes.set(move.ref, flaw)
      }
      if (push.isAtomic && outcomes.size > 0) refuseAll(push, outcomes, 'another ref of this atomic push was refused')
      else if (moves.length > 0) await decide(components, { repo, by, push, moves, quarantine, channel, outcomes })
      await channel.write(reportOf(push, 'ok', outcomes))
    } finally {
      await quarantine.drop()
    }
  }
}

function refuseAll(push: Push, outcomes: Map<string, string | undefined>, reason: string): Map<string, string | undefined> {
  for (const { ref } of push.moves) if (!outcomes.has(ref)) outcomes.set(ref, reason)
  return outcomes
}

type Taking = { repo: string; push: Push; reader: PktReader; quarantine: Quarantine; gone: AbortSignal }

/** Brings the objects into quarantine; answers `ok` or what was wrong with them. */
async function takeObjects({ git, repos }: ReceiveComponents, { repo, push, reader, quarantine, gone }: Taking): Promise<string> {
  const tips = push.moves.flatMap(({ to }) => to ?? [])
  if (tips.length === 0) return 'ok'
  const bytes = await repos.bytes(repo)
  if (bytes > REPO_BYTES_MAX)
    throw new NimbusError('repo-full', `The repository ${repo} has ${bytes} bytes, and ${REPO_BYTES_MAX} are the limit.`, {
      kind: 'refused',
      cure: 'Host a new repository, or shrink this one.',
    })
  const dir = repos.dirOf(repo)
  const options = { env: quarantine.env, timeoutMs: SESSION_MS_MAX, signal: gone }
  const index = git.start(
    dir,
    ['index-pack', '--stdin', '--fix-thin', `--strict=${PARDONED}`, `--max-input-size=${PUSH_BYTES_MAX}`],
    options,
  )
  try {
    void feed(reader, index)
    for await (const piece of index.output) void piece // the name of the pack
    const end = await index.ended
    if (gone.aborted) throw new NimbusError('push-broken', 'The client went away in the middle of the push.')
    if (end.exitCode !== 0) return `index-pack: ${wordsOf(end)}`
  } finally {
    index.kill()
  }
  const walk = await git.run(dir, ['rev-list', '--objects', '--quiet', '--stdin', '--not', '--all'], {
    ...options,
    input: `${tips.join('\n')}\n`,
  })
  return walk.exitCode === 0 ? 'ok' : `the history is not whole: ${wordsOf(walk)}`
}

async function feed(reader: PktReader, index: ReturnType<Git['start']>): Promise<void> {
  try {
    // It knows by itself where the pack ends.
    for (;;) {
      const piece = await reader.rest()
      if (piece === undefined || !(await index.write(piece))) break
    }
    index.endInput()
  } catch {
    index.kill() // the client is gone
  }
}

/** Why this ref may not move so, whoever asks. */
async function flawOf(
  { git, repos }: ReceiveComponents,
  repo: string,
  { ref, from, to }: RefMove,
  { env }: Quarantine,
): Promise<string | undefined> {
  const dir = repos.dirOf(repo)
  const isBranch = ref.startsWith('refs/heads/')
  if (to === undefined) {
    const head = (await git.must(dir, ['symbolic-ref', 'HEAD'])).trim()
    return head === ref ? 'the default branch stays' : undefined
  }
  const type = (await git.must(dir, ['cat-file', '--batch-check=%(objecttype)'], { env, input: `${to}\n` })).trim()
  if (isBranch && type !== 'commit') return `a branch points to a commit, and this is a ${type}`
  if (!isBranch && type !== 'commit' && type !== 'tag') return `a tag points to a commit, and this is a ${type}`
  if (from === undefined || from === to) return undefined
  if (!isBranch) return 'a tag stays where it is; remove it first, or choose another name'
  const { exitCode } = await git.run(dir, ['merge-base', '--is-ancestor', from, to], { env })
  return exitCode === 0 ? undefined : 'non-fast-forward: it would lose commits of others; fetch and merge first, or push to another branch'
}

type Deciding = {
  repo: string
  by: PeerId
  push: Push
  moves: readonly RefMove[]
  quarantine: Quarantine
  channel: Channel
  outcomes: Map<string, string | undefined>
}

async function decide(components: ReceiveComponents, { repo, by, push, moves, quarantine, channel, outcomes }: Deciding): Promise<void> {
  await quarantine.accept()
  const tips = [...new Set(moves.flatMap(({ to }) => to ?? []))].slice(0, HOSTED_REFS_MAX)
  const copies = tips.length === 0 ? undefined : await components.spread(repo, tips)
  const moved = await components.move(repo, moves, by, push.isAtomic)
  for (const { ref } of moves) {
    const outcome = moved.get(ref) ?? { reason: 'it was not asked for' }
    outcomes.set(ref, outcome === 'moved' ? undefined : outcome.reason)
  }
  if (copies === undefined || ![...moved.values()].includes('moved')) return
  const text =
    copies.length > 0
      ? `kept here and on ${copies.join(', ')}.`
      : 'kept on this worker alone; nimbus repo host on another keeps it there too.'
  await channel.write(remark(push, `nimbus: ${text}`, copies.length === 0))
}
