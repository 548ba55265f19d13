// Repositories of a node that is none: a table of places in memory.
import type { RepoAuthView, RepoView } from '../../../../protocols/http/repos.ts'
import type { HostingPort } from '../../../../node/api/ports.ts'
import type { ReposPort } from '../../../../node/api/repos-port.ts'
import { NimbusError } from '../../../../node/kernel/errors.ts'

export function createFakeRepos(): ReposPort {
  const places = new Map<string, RepoAuthView>()
  const kept = createKeptRooms()
  return {
    kept,
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

function createKeptRooms(): ReposPort['kept'] {
  const repos = new Map<string, RepoView>()
  const known = async (name: string): Promise<RepoView> => {
    const repo = repos.get(name)
    if (repo === undefined) throw new NimbusError('repo-unknown', `There is no repository ${name}.`, { kind: 'missing' })
    return repo
  }
  return {
    list: () => [...repos.values()],
    look: known,
    async add({ url, name = 'app' }) {
      const repo: RepoView = { name, url, state: 'ready', addedAt: 1, fetchedAt: 2, defaultBranch: 'main', trees: [] }
      repos.set(name, repo)
      return repo
    },
    fetch: known,
    async pull(name, { tree = 'main' }) {
      await known(name)
      return { tree, branch: 'main', state: 'current', message: 'main is up to date.', choices: [] }
    },
    addTree: known,
    removeTree: known,
    async remove(name) {
      await known(name)
      repos.delete(name)
    },
  }
}
