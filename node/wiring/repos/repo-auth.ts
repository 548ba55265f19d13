// Opens what a repository is read with, on the worker that reads it: the table of the mesh names the secret, the vault opens it.
import type { RepoAuthRequest, RepoAuthView } from '../../../protocols/http/repos.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Entry } from '../../../protocols/records.ts'
import { hlcToMs } from '../../kernel/hlc.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { AuthBook, PlaceAuth } from '../../repos/auth/auth-book.ts'
import type { RepoCredential } from '../../repos/auth/credential.ts'

export type OwnAuth = { secret: string; user?: string | undefined }
export type Within = { url: string; authorized: boolean }
export type RepoAuth = {
  /**
   * @param own what the task itself names; it goes before the table
   * @param within the repository that names this one as a submodule: its credentials count only where those of that one were asked for
   *   and are the same line of the table (or its host's, where the task named them), so that no repository can have another one read for it
   */
  credentialFor(url: string, own?: OwnAuth, within?: Within): Promise<RepoCredential | undefined>
  list(): RepoAuthView[]
  set(request: RepoAuthRequest): Promise<RepoAuthView>
  remove(place: string): Promise<void>
}
export type RepoAuthComponents = {
  book: AuthBook
  /** Values by name. */
  open(names: readonly string[]): Promise<Record<string, string>>
  write(entry: Entry): Promise<void>
  assertMayWrite(deed: string): void
  nameOf(peer: PeerId): string
  /** Socket of the SSH agent that this worker was started with. */
  agentSocket: string | undefined
}

/** Every node looks at all of them for each clone. */
const PLACES_MAX = 1_000

export function createRepoAuth({ book, open, write, assertMayWrite, nameOf, agentSocket }: RepoAuthComponents): RepoAuth {
  const viewOf = ({ place, secret, user, agent, hostKeys, author, hlc }: PlaceAuth): RepoAuthView => ({
    place,
    ...(secret === undefined ? {} : { secret }),
    ...(user === undefined ? {} : { user }),
    ...(agent === undefined ? {} : { agent }),
    ...(hostKeys === undefined ? {} : { hostKeys }),
    by: nameOf(author),
    updatedAt: hlcToMs(hlc),
  })
  const known = (place: string): PlaceAuth => {
    const found = book.all().find((one) => one.place === place)
    if (found !== undefined) return found
    throw new NimbusError('repo-auth-unknown', `Nothing is set for ${place}.`, {
      kind: 'missing',
      cure: 'nimbus repo auth ls lists the places.',
    })
  }
  return {
    async credentialFor(url, own, within) {
      const entry = book.find(url)
      const hosts = entry?.hostKeys === undefined ? {} : { hostKeys: entry.hostKeys }
      if (within !== undefined) {
        const isShared = own === undefined ? book.find(within.url)?.place === entry?.place : new URL(within.url).host === new URL(url).host
        if (!within.authorized || !isShared) return hosts
      }
      const { secret: name, user } = own ?? entry ?? {}
      if (name === undefined) {
        if (entry?.agent !== true) return entry === undefined ? undefined : hosts
        return { ...hosts, ...(agentSocket === undefined ? {} : { agentSocket }) }
      }
      const named = { name, ...(user === undefined ? {} : { user }), ...hosts }
      try {
        const secret = (await open([name]))[name]
        return { ...named, ...(secret === undefined ? {} : { secret }) }
      } catch (error) {
        // Much of a place may be open to all: only where the server asks is it missed.
        if (own === undefined) return named
        throw error
      }
    },
    list: () => book.all().map(viewOf),
    async set({ place, secret, user, agent, hostKeys }) {
      assertMayWrite('set credentials of repositories')
      const isNew = !book.all().some((one) => one.place === place)
      if (isNew && book.all().length >= PLACES_MAX)
        throw new NimbusError('too-many-places', `Credentials are set for ${PLACES_MAX} places, which is the limit.`, {
          kind: 'refused',
          cure: 'Remove one (nimbus repo auth rm PLACE), or set one for a whole host.',
        })
      await write({
        kind: 'repo-auth',
        place,
        ...(secret === undefined ? {} : { secret }),
        ...(user === undefined ? {} : { user }),
        ...(agent === undefined ? {} : { agent }),
        ...(hostKeys === undefined ? {} : { hostKeys }),
      })
      return viewOf(known(place))
    },
    async remove(place) {
      assertMayWrite('remove credentials of repositories')
      await write({ kind: 'repo-auth', place: known(place).place })
    },
  }
}
