// Joins repositories to the rest: their part of the fold is there before the engine is, the vault and the doors once it runs.
import { join } from 'node:path'
import type { ReposPort } from '../../api/repos-port.ts'
import { createAuthBook } from '../../repos/auth/auth-book.ts'
import type { RepoCredential } from '../../repos/auth/credential.ts'
import { cloneInto, type Cloned, fetchInto, systemGit } from '../../repos/clone.ts'
import { cloneWhole, type WholeRequest } from '../../repos/modules/clone-whole.ts'
import { wishesSubmodules } from './module-wish.ts'
import { type Remote, withRemote } from '../../repos/system/remote-access.ts'
import { createKeptRepos } from '../../repos/kept/kept-repos.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { KeptMirror } from '../../repos/kept/kept-view.ts'
import type { Near } from '../../repos/near/near.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { FoldPart } from '../../tasks/fold/fold.ts'
import type { Vault } from '../../tasks/secrets/vault.ts'
import type { EventFeed } from '../../tasks/view/event-feed.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import { createMayWrite } from '../plan/may-write.ts'
import { createMirrors, type MirrorRooms, type Mirrors } from './mirrors.ts'
import { createRepoAuth, type OwnAuth, type RepoAuth } from './repo-auth.ts'

const DURABLE_MS = 1_500

export type Repos = {
  part: FoldPart
  /** For a task: with what it names itself, or with what the mesh has for that place. */
  clone(request: WholeRequest & { auth?: OwnAuth | undefined }): Promise<Cloned>
  /** What the mesh has for that place. */
  credentialFor(url: string): Promise<RepoCredential | undefined>
  /** For git that fetches from there and pushes to there. */
  withRemote<Result>(url: string, signal: AbortSignal, work: (remote: Remote) => Promise<Result>): Promise<Result>
  /** What is kept here for other members, and at them for this node. */
  mirrors: Pick<Mirrors, 'known' | 'serve' | 'open'>
  open(rooms: MirrorRooms & { engine: Engine; fleet: Fleet; feed: EventFeed; vault: Pick<Vault, 'open'> }): ReposPort
  /** Goes on with what was cut off. */
  start(): void
  stop(): Promise<void>
}

export type ReposComponents = { clock: Clock; random: Random; dataDir: string; env: NodeJS.ProcessEnv; onError(error: unknown): void }

export function createRepos({ clock, random, dataDir, env, onError }: ReposComponents): Repos {
  const book = createAuthBook()
  const knownHosts = join(dataDir, 'repos', 'known_hosts')
  let auth: RepoAuth | undefined
  let emit = (_name: string): void => {}
  let rooms: MirrorRooms | undefined
  const mirrors = createMirrors({ clock, random, dataDir, book, mirrorOf: (url) => kept.mirrorOf(url), rooms: () => rooms })
  /** With those around who may have it; they are asked only where it comes over http, and not of what is here and current. */
  const withNear = async <Result>(
    { url, ref }: { url: string; ref?: string | undefined },
    mine: KeptMirror | undefined,
    work: (near: readonly Near[]) => Promise<Result>,
  ): Promise<Result> => {
    if (!/^https?:/i.test(url)) return work([])
    const { near, close } = await mirrors.around(url, ref, mine)
    return work(near).finally(close)
  }
  const kept = createKeptRepos({
    clock,
    dataDir,
    gitFile: systemGit,
    onChange: (name) => emit(name),
    async fetch(request) {
      const order = { ...request, clock, knownHosts, meshDataDir: dataDir, credential: await auth?.credentialFor(request.url) }
      // What is here already needs the server alone.
      if (kept.mirrorOf(request.url) !== undefined) return fetchInto(order)
      return withNear(request, undefined, (near) => fetchInto({ ...order, near: near.filter(({ at }) => at !== undefined) }))
    },
  })
  return {
    part: book.part,
    clone: ({ auth: own, ...whole }) =>
      cloneWhole(
        {
          wishes: wishesSubmodules,
          async clone(request, within) {
            const credential = await auth?.credentialFor(request.url, own, within)
            const mirror = kept.mirrorOf(request.url)
            const order = { ...request, knownHosts, meshDataDir: dataDir, credential, mirror: mirror?.dir }
            // Where it cannot be brought up to date now, the clone itself says why, or does without.
            const update = mirror === undefined || own !== undefined ? Promise.reject(new Error()) : kept.fetch(mirror.name)
            if (
              await update.then(
                () => true,
                () => false,
              )
            )
              return cloneInto(order)
            // Whoever names a secret of his own has to be let in by the server.
            const mine = own === undefined || mirror?.isOpen === true ? mirror : undefined
            return withNear(request, mine, (near) => cloneInto({ ...order, near }))
          },
        },
        whole,
      ),
    mirrors,
    credentialFor: async (url) => auth?.credentialFor(url),
    withRemote: async (url, signal, work) =>
      withRemote({ url, credential: await auth?.credentialFor(url), knownHosts, meshDataDir: dataDir, signal }, work),
    start: () => void kept.start().catch(onError),
    stop: kept.stop,
    open({ engine, vault, feed, ...around }) {
      rooms = around
      const { self, fleet } = around
      auth = createRepoAuth({
        book,
        open: vault.open,
        async write(entry) {
          await engine.durable(engine.append(entry), DURABLE_MS)
        },
        assertMayWrite: createMayWrite(self, fleet),
        nameOf: fleet.nameOf,
        agentSocket: env['SSH_AUTH_SOCK'],
      })
      emit = (name) =>
        feed.emit(() => ({ type: 'repo.updated', entity: 'repo', id: name, data: kept.find(name) ?? { name, state: 'removed' } }))
      return { auth, kept }
    },
  }
}
