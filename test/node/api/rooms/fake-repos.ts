// Repositories of a node that is none: a table of places in memory.
import type { RepoAuthView } from '../../../../protocols/http/repos.ts'
import type { HostingPort, ReposPort } from '../../../../node/api/ports.ts'
import { NimbusError } from '../../../../node/kernel/errors.ts'

export function createFakeRepos(): ReposPort {
  const places = new Map<string, RepoAuthView>()
  return {
    auth: {
      list: () => [...places.values()],
      async set({ place, secret, user }) {
        const view = {
          place,
          ...(secret === undefined ? {} : { secret }),
          ...(user === undefined ? {} : { user }),
          by: 'box',
          updatedAt: 1,
        }
        places.set(place, view)
        return view
      },
      async remove(place) {
        places.delete(place)
      },
    },
  }
}

/** A git host without repositories: what it does is tested with real nodes. */
export function createFakeHosting(): HostingPort {
  const unknown = async (): Promise<never> => {
    throw new NimbusError('repo-unknown', 'There is no such repository.', { kind: 'missing' })
  }
  return { list: () => [], find: () => undefined, host: unknown, unhost: unknown, open: unknown }
}
