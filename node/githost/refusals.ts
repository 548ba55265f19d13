// Why a repository of the mesh is not opened, in words for the person who asked.
import type { PeerId } from '../../protocols/ids.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Holders } from './refs/holders.ts'

export function repoUnknown(repo: string): NimbusError {
  return new NimbusError('repo-unknown', `The mesh hosts no repository ${JSON.stringify(repo.slice(0, 80))}.`, {
    kind: 'missing',
    cure: 'nimbus repo hosted lists them; nimbus repo host NAME begins one.',
  })
}

export function notHere(
  { self, holders, nameOf }: { self: PeerId; holders: Holders; nameOf(peer: PeerId): string },
  repo: string,
): NimbusError {
  const others = holders.of(repo).map(({ node }) => nameOf(node))
  return new NimbusError('repo-not-hosted', `${nameOf(self)} does not keep the repository ${repo}.`, {
    kind: 'missing',
    cure: others.length === 0 ? 'nimbus repo hosted shows who does.' : `Use nimbus://mesh/${repo}, or one of ${others.join(', ')}.`,
  })
}

export function nobodyAlive(repo: string): NimbusError {
  return new NimbusError('repo-out-of-reach', `No worker that keeps ${repo} can be reached.`, {
    kind: 'unreachable',
    cure: 'nimbus repo hosted shows who keeps it; bring one of them back.',
  })
}

export function mayNotPush(name: string): NimbusError {
  return new NimbusError('may-not-push', `${name} may not push: it is a viewer of this mesh.`, {
    kind: 'refused',
    cure: 'Push from a member, or invite this machine again with --role member.',
  })
}
