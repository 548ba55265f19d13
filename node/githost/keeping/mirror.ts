// Keeps the repositories of this worker at what their registers say: fetches what is missing from whoever has it, then moves the refs,
// then says so. Whatever fails is tried again, later each time.
import type { HeldRecord } from '../../../protocols/githost/hosted-records.ts'
import type { NameKey, PeerId } from '../../../protocols/ids.ts'
import type { RegisterValue } from '../../../protocols/records.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { BareRepos } from './bare-repos.ts'
import type { Git } from './git.ts'
import { headsOf, keyOf } from '../refs/heads.ts'
import type { Holders } from '../refs/holders.ts'
import { SESSION_MS_MAX } from '../serving/upload.ts'

export type MirrorComponents = {
  self: PeerId
  clock: Clock
  log: Log
  git: Git
  repos: BareRepos
  holders: Holders
  newest(key: NameKey): RegisterValue | undefined
  /** Others that keep it and are alive, the best to ask first. */
  sources(repo: string): PeerId[]
  append(entry: HeldRecord): number
}
export type Mirror = {
  /** Something about the repository changed. */
  note(repo: string): void
  /** Lets the refs here follow the register as far as the objects are here, and says so. @returns the seq of what it said, if anything */
  settle(repo: string): Promise<number | undefined>
  /** Waits until this worker has what the register says, for so long at most. Answers whether it has. */
  catchUp(repo: string, patienceMs: number): Promise<boolean>
  /** Fetches these commits from that worker, which is about to move a branch to them. Refused where the repository is not kept here. */
  take(repo: string, commits: readonly string[], from: PeerId): Promise<void>
  /** The same without that condition. */
  fetch(repo: string, commits: readonly string[], from: PeerId): Promise<void>
  isKept(repo: string): boolean
  start(): void
  stop(): void
}

const AGAIN_MIN_MS = 1_000
const AGAIN_MAX_MS = 60_000
/** News of one push come as several entries. */
const GATHER_MS = 20

export function createMirror(components: MirrorComponents): Mirror {
  const { self, clock, log, git, repos, holders } = components
  const said = new Map<string, number>()
  const running = new Map<string, Promise<boolean>>()
  const timers = new Map<string, Cancel>()
  const failures = new Map<string, number>()
  const stopping = new AbortController()
  let started = false

  const isKept = (repo: string): boolean => holders.of(repo).some(({ node }) => node === self)
  const versionHere = (repo: string): number =>
    Math.max(said.get(repo) ?? 0, holders.of(repo).find(({ node }) => node === self)?.version ?? 0)
  const versionNow = (repo: string): number => components.newest(keyOf(repo))?.version ?? 0

  const settle: Mirror['settle'] = (repo) =>
    repos.inTurn(repo, async () => {
      const value = components.newest(keyOf(repo))
      if (value === undefined || !(await repos.apply(repo, headsOf(value), value.name?.head))) return undefined
      if (versionHere(repo) >= value.version) return undefined
      said.set(repo, value.version)
      return components.append({ kind: 'repo-held', repo, version: value.version })
    })
  const fetch: Mirror['fetch'] = async (repo, commits, from) => {
    const missing = await repos.missing(repo, commits)
    if (missing.length === 0) return
    const order = [
      'fetch',
      '--quiet',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-recurse-submodules',
      '--',
      `nimbus://${from}/${repo}`,
      ...missing,
    ]
    await git.must(repos.dirOf(repo), order, { transports: 'nimbus', timeoutMs: SESSION_MS_MAX, signal: stopping.signal })
  }
  /** One round; answers whether all is here. */
  const follow = async (repo: string): Promise<boolean> => {
    if (!isKept(repo) || !(await repos.has(repo))) return true
    const commits = headsOf(components.newest(keyOf(repo))).map(({ commit }) => commit)
    let reason: string | undefined
    for (const source of (await repos.missing(repo, commits)).length === 0 ? [] : components.sources(repo)) {
      reason = await fetch(repo, commits, source).then(() => undefined, messageOf)
      if (reason === undefined || stopping.signal.aborted) break
    }
    await settle(repo)
    const isDone = versionHere(repo) >= versionNow(repo)
    if (!isDone) log.warn({ repo, reason: reason ?? 'nobody who has it is alive' }, 'a hosted repository is behind')
    return isDone
  }
  const runNow = (repo: string): Promise<boolean> => {
    const before = running.get(repo)
    if (before !== undefined) return before
    const round = follow(repo)
      .catch((error: unknown) => {
        log.warn({ repo, reason: messageOf(error) }, 'a hosted repository could not be brought up to date')
        return false
      })
      .then((isDone) => {
        running.delete(repo)
        const count = isDone ? 0 : (failures.get(repo) ?? 0) + 1
        if (count === 0) failures.delete(repo)
        else failures.set(repo, count)
        // What came meanwhile is looked at soon, what failed later.
        if (isDone ? versionHere(repo) < versionNow(repo) && isKept(repo) : true)
          plan(repo, isDone ? GATHER_MS : Math.min(AGAIN_MAX_MS, AGAIN_MIN_MS * 2 ** Math.min(count, 6)))
        return isDone
      })
    running.set(repo, round)
    return round
  }
  const plan = (repo: string, delayMs: number): void => {
    if (!started || stopping.signal.aborted) return
    timers.get(repo)?.()
    timers.set(
      repo,
      clock.after(delayMs, () => {
        timers.delete(repo)
        void runNow(repo)
      }),
    )
  }

  return {
    isKept,
    settle,
    fetch,
    take(repo, commits, from) {
      if (isKept(repo)) return fetch(repo, commits, from)
      throw new NimbusError('repo-not-hosted', `This worker does not keep the repository ${repo}.`, { kind: 'missing' })
    },
    note(repo) {
      if (isKept(repo) && versionHere(repo) < versionNow(repo)) plan(repo, GATHER_MS)
    },
    async catchUp(repo, patienceMs) {
      if (versionHere(repo) >= versionNow(repo)) return true
      const patience = new Promise<boolean>((resolve) => clock.after(patienceMs, () => resolve(false)))
      return Promise.race([runNow(repo), patience])
    },
    start() {
      started = true
      // A crash between register and refs is repaired here.
      for (const repo of holders.repos()) if (isKept(repo)) plan(repo, GATHER_MS)
    },
    stop() {
      stopping.abort()
      for (const cancel of timers.values()) cancel()
    },
  }
}
