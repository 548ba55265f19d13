// The mesh as git host, at one worker: opens a repository for a clone or a push wherever it is kept, serves those that are kept here,
// begins new ones. Who may do what is decided here, on the side that serves.
import type { HostedRepoView, HostRequest } from '../../protocols/http/hosted.ts'
import type { HeldRecord } from '../../protocols/githost/hosted-records.ts'
import type { NameKey, PeerId } from '../../protocols/ids.ts'
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import type { Names } from '../tasks/names/names.ts'
import { createBareRepos } from './keeping/bare-repos.ts'
import type { Service, Session } from './serving/channel.ts'
import { createGit } from './keeping/git.ts'
import { carry, type FarChannel } from './serving/carry.ts'
import { headsOf, keyOf, repoOf } from './refs/heads.ts'
import type { Holders } from './refs/holders.ts'
import { hostedNames, hostedView } from './refs/hosted-view.ts'
import { importInto } from './keeping/import.ts'
import { createMirror, type Mirror } from './keeping/mirror.ts'
import { createMoving } from './refs/moving.ts'
import { type ReceiveComponents, receiveSession } from './serving/receive.ts'
import { spread } from './keeping/spread.ts'
import { uploadSession } from './serving/upload.ts'
import { mayNotPush, nobodyAlive, notHere, repoUnknown } from './refusals.ts'
import { createHeadWatch, type HeadWatch } from './refs/watch-heads.ts'

export type HostingComponents = {
  self: PeerId
  clock: Clock
  random: Random
  log: Log
  dataDir: string
  holders: Holders
  names: Pick<Names, 'newest' | 'all' | 'operate'>
  append(entry: HeldRecord): number
  durable(seq: number, timeoutMs: number): Promise<unknown>
  stateOf(peer: PeerId): HostedRepoView['holders'][number]['state']
  roundTripMs(peer: PeerId): number | undefined
  nameOf(peer: PeerId): string
  findWorker(nameOrId: string): PeerId | undefined
  /** Whether the member may push. */
  mayWrite(peer: PeerId): boolean
  /** @throws NimbusError where this node may not */
  assertMayWrite(deed: string): void
  /** Opens the repository at another worker. */
  openAt(peer: PeerId, repo: string, service: Service): Promise<FarChannel>
  /** Asks another worker that keeps the repository to fetch these commits from here. */
  askToTake(peer: PeerId, repo: string, commits: readonly string[]): Promise<void>
}

export type Hosting = {
  list(): HostedRepoView[]
  find(repo: string): HostedRepoView | undefined
  host(request: HostRequest): Promise<HostedRepoView>
  /** This worker keeps it no more. @param isLast also where nobody else does */
  unhost(repo: string, isLast: boolean): Promise<void>
  /** Opens a repository for somebody here: at that worker, or at the best of all with `mesh`. */
  open(worker: string, repo: string, service: Service): Promise<Session>
  /** The same for a member that asks over the mesh. */
  serve(repo: string, service: Service, by: PeerId): Promise<Session>
  /** A member is about to move a branch here and wants its commits kept here too. */
  take: Mirror['take']
  watchHead: HeadWatch['watchHead']
  /** The folder of a bare repository on this machine that has this commit whole; fetched from the mesh first. */
  bring(repo: string, commit: string): Promise<string>
  changed(key: NameKey): void
  /** A member said what it keeps. */
  held(repo: string): void
  start(): Promise<void>
  stop(): void
}

/** Clones and pushes that are served at once; each has processes of its own. */
const SESSIONS_MAX = 32
const CATCH_UP_MS = 5_000
const FIRST_COPY_MS = 30 * 60_000
const ACKNOWLEDGE_MS = 1_500

export function createHosting(components: HostingComponents): Hosting {
  const { self, holders, names, nameOf } = components
  const git = createGit(components)
  const repos = createBareRepos({ ...components, git })
  const isAlive = (peer: PeerId): boolean => components.stateOf(peer) === 'alive'
  /** Alive, the newest first, then the nearest. */
  const keepers = (repo: string): PeerId[] =>
    holders
      .of(repo)
      .filter(({ node }) => isAlive(node))
      .sort((a, b) => b.version - a.version || distance(a.node) - distance(b.node))
      .map(({ node }) => node)
  const distance = (peer: PeerId): number => (peer === self ? -1 : (components.roundTripMs(peer) ?? 10_000))
  const mirror = createMirror({
    ...components,
    git,
    repos,
    newest: names.newest,
    sources: (repo) => keepers(repo).filter((peer) => peer !== self),
  })
  const watch = createHeadWatch(names.newest)
  const moveInRegister = createMoving(components)
  const receiving: ReceiveComponents = {
    git,
    repos,
    spread: (repo, commits) =>
      spread(
        components,
        keepers(repo).filter((peer) => peer !== self),
        repo,
        commits,
      ),
    async move(repo, moves, by, isAtomic) {
      const outcomes = await moveInRegister(repo, moves, by, isAtomic)
      const seq = await mirror.settle(repo)
      if (seq !== undefined) await components.durable(seq, ACKNOWLEDGE_MS)
      return outcomes
    },
  }
  let sessions = 0

  const known = (repo: string): HostedRepoView => {
    const view = hostedView(components, repo)
    if (view !== undefined) return view
    throw repoUnknown(repo)
  }
  const serve: Hosting['serve'] = async (repo, service, by) => {
    known(repo)
    if (!mirror.isKept(repo) || !(await repos.has(repo))) throw notHere(components, repo)
    if (service === 'receive' && !components.mayWrite(by)) throw mayNotPush(nameOf(by))
    git.assertThere()
    await mirror.catchUp(repo, CATCH_UP_MS)
    if (sessions >= SESSIONS_MAX)
      throw new NimbusError('busy', `${nameOf(self)} serves ${SESSIONS_MAX} clones and pushes already.`, {
        kind: 'busy',
        cure: 'Try again later.',
      })
    const session = service === 'upload' ? uploadSession({ git, repos }, repo) : receiveSession(receiving, repo, by)
    return async (channel, gone) => {
      sessions += 1
      await session(channel, gone).finally(() => (sessions -= 1))
    }
  }
  const openAt = async (peer: PeerId, repo: string, service: Service): Promise<Session> =>
    peer === self ? serve(repo, service, self) : carry(await components.openAt(peer, repo, service))

  return {
    list: () => hostedNames(components).flatMap((repo) => hostedView(components, repo) ?? []),
    find: (repo) => hostedView(components, repo),
    async host({ name, from }) {
      components.assertMayWrite('host a repository')
      git.assertThere()
      const isNew = headsOf(names.newest(keyOf(name))).length === 0
      if (from !== undefined && !isNew)
        throw new NimbusError('repo-exists', `The mesh hosts a repository ${name} already.`, {
          kind: 'refused',
          cure: `Push into it (git push nimbus://mesh/${name}), mirror it here without --from, or choose another name.`,
        })
      if (!(await repos.has(name))) await repos.create(name)
      try {
        if (from !== undefined) await importInto(receiving, { git, repos, repo: name, from, by: self })
      } catch (error) {
        if (!mirror.isKept(name)) await repos.remove(name)
        throw error
      }
      if (!mirror.isKept(name)) await components.durable(components.append({ kind: 'repo-held', repo: name, version: 0 }), ACKNOWLEDGE_MS)
      await mirror.catchUp(name, FIRST_COPY_MS)
      return known(name)
    },
    async unhost(repo, isLast) {
      components.assertMayWrite('remove a hosted repository')
      known(repo)
      if (!mirror.isKept(repo)) throw notHere(components, repo)
      const others = holders.of(repo).filter(({ node, version }) => node !== self && version >= (names.newest(keyOf(repo))?.version ?? 0))
      if (others.length === 0 && !isLast)
        throw new NimbusError('repo-last-copy', `Only ${nameOf(self)} has all of ${repo}; it would be lost.`, {
          kind: 'refused',
          cure: `Let another worker keep it first (nimbus repo host ${repo} there), or say --last.`,
        })
      await components.durable(components.append({ kind: 'repo-held', repo, version: 0, dropped: true }), ACKNOWLEDGE_MS)
      await repos.inTurn(repo, () => repos.remove(repo))
    },
    async open(worker, repo, service) {
      known(repo)
      if (service === 'receive') components.assertMayWrite('push')
      if (worker !== 'mesh') {
        const peer = components.findWorker(worker)
        if (peer !== undefined) return openAt(peer, repo, service)
        throw new NimbusError('worker-unknown', `There is no worker ${JSON.stringify(worker.slice(0, 80))}.`, {
          kind: 'missing',
          cure: 'nimbus worker ls lists them.',
        })
      }
      let failure: unknown = nobodyAlive(repo)
      for (const peer of keepers(repo)) {
        try {
          return await openAt(peer, repo, service)
        } catch (error) {
          // Another one may have it.
          failure = error
          if (error instanceof NimbusError && error.kind === 'refused' && error.code !== 'git-missing') break
        }
      }
      throw failure
    },
    serve,
    take: mirror.take,
    watchHead: watch.watchHead,
    async bring(repo, commit) {
      known(repo)
      git.assertThere()
      if (!(await repos.has(repo))) await repos.create(repo)
      let failure: unknown
      for (const peer of (await repos.missing(repo, [commit])).length === 0 ? [] : keepers(repo).filter((one) => one !== self)) {
        failure = await mirror.fetch(repo, [commit], peer).then(
          () => undefined,
          (error: unknown) => error,
        )
        if (failure === undefined) break
      }
      if ((await repos.missing(repo, [commit])).length === 0) return repos.dirOf(repo)
      throw failure instanceof Error ? failure : nobodyAlive(repo)
    },
    changed(key) {
      const repo = repoOf(key)
      if (repo === undefined) return
      watch.changed(key)
      mirror.note(repo)
    },
    held: mirror.note,
    async start() {
      await repos.sweep()
      mirror.start()
    },
    stop: mirror.stop,
  }
}
