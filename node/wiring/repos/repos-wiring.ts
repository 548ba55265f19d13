// Joins repositories to the rest: their part of the fold is there before the engine is, the vault and the doors once it runs.
import { join } from 'node:path'
import type { PeerId } from '../../../protocols/ids.ts'
import type { ReposPort } from '../../api/ports.ts'
import { createAuthBook } from '../../repos/auth/auth-book.ts'
import type { RepoCredential } from '../../repos/auth/credential.ts'
import { cloneInto, type Cloned, type CloneRequest } from '../../repos/clone.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { FoldPart } from '../../tasks/fold/fold.ts'
import type { Vault } from '../../tasks/secrets/vault.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import { createMayWrite } from '../plan/may-write.ts'
import { createRepoAuth, type OwnAuth, type RepoAuth } from './repo-auth.ts'

const DURABLE_MS = 1_500

export type Repos = {
  part: FoldPart
  /** For a task: with what it names itself, or with what the mesh has for that place. */
  clone(request: CloneRequest & { auth?: OwnAuth | undefined }): Promise<Cloned>
  /** What the mesh has for that place. */
  credentialFor(url: string): Promise<RepoCredential | undefined>
  open(rooms: { self: PeerId; engine: Engine; fleet: Fleet; vault: Pick<Vault, 'open'> }): ReposPort
}

export function createRepos({ dataDir, env }: { dataDir: string; env: NodeJS.ProcessEnv }): Repos {
  const book = createAuthBook()
  const knownHosts = join(dataDir, 'repos', 'known_hosts')
  let auth: RepoAuth | undefined
  return {
    part: book.part,
    async clone({ auth: own, ...request }) {
      return cloneInto({ ...request, knownHosts, meshDataDir: dataDir, credential: await auth?.credentialFor(request.url, own) })
    },
    credentialFor: async (url) => auth?.credentialFor(url),
    open({ self, engine, fleet, vault }) {
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
      return { auth }
    },
  }
}
