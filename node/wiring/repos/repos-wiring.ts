// Joins repositories to the rest: their part of the fold is there before the engine is, the vault and the doors once it runs.
import { join } from 'node:path'
import type { PeerId } from '../../../protocols/ids.ts'
import type { ReposPort } from '../../api/repos-port.ts'
import { createAuthBook } from '../../repos/auth/auth-book.ts'
import type { RepoCredential } from '../../repos/auth/credential.ts'
import { cloneInto, type Cloned, fetchInto, systemGit } from '../../repos/clone.ts'
import { cloneWhole, type WholeRequest } from '../../repos/modules/clone-whole.ts'
import { wishesSubmodules } from './module-wish.ts'
import { createKeptRepos } from '../../repos/kept/kept-repos.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { FoldPart } from '../../tasks/fold/fold.ts'
import type { Vault } from '../../tasks/secrets/vault.ts'
import type { EventFeed } from '../../tasks/view/event-feed.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import { createMayWrite } from '../plan/may-write.ts'
import { createRepoAuth, type OwnAuth, type RepoAuth } from './repo-auth.ts'

const DURABLE_MS = 1_500

export type Repos = {
  part: FoldPart
  /** For a task: with what it names itself, or with what the mesh has for that place. */
  clone(request: WholeRequest & { auth?: OwnAuth | undefined }): Promise<Cloned>
  /** What the mesh has for that place. */
  credentialFor(url: string): Promise<RepoCredential | undefined>
  open(rooms: { self: PeerId; engine: Engine; fleet: Fleet; feed: EventFeed; vault: Pick<Vault, 'open'> }): ReposPort
  /** Goes on with what was cut off. */
  start(): void
  stop(): Promise<void>
}

export type ReposComponents = { clock: Clock; dataDir: string; env: NodeJS.ProcessEnv; onError(error: unknown): void }

export function createRepos({ clock, dataDir, env, onError }: ReposComponents): Repos {
  const book = createAuthBook()
  const knownHosts = join(dataDir, 'repos', 'known_hosts')
  let auth: RepoAuth | undefined
  let emit = (_name: string): void => {}
  const kept = createKeptRepos({
    clock,
    dataDir,
    gitFile: systemGit,
    onChange: (name) => emit(name),
    fetch: async (request) =>
      fetchInto({ ...request, clock, knownHosts, meshDataDir: dataDir, credential: await auth?.credentialFor(request.url) }),
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
            // Where it cannot be brought up to date now, the clone itself says why, or does without.
            if (mirror !== undefined && own === undefined) await kept.fetch(mirror.name).catch(() => {})
            return cloneInto({ ...request, knownHosts, meshDataDir: dataDir, credential, mirror: mirror?.dir })
          },
        },
        whole,
      ),
    credentialFor: async (url) => auth?.credentialFor(url),
    start: () => void kept.start().catch(onError),
    stop: kept.stop,
    open({ self, engine, fleet, feed, vault }) {
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
