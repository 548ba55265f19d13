// Repositories of a node that is none: a table of places in memory.
import type { RepoAuthView } from '../../../protocols/http/repos.ts'
import type { ReposPort } from '../../../node/api/ports.ts'

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
