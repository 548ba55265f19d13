// What people and programs see of hosted repositories: heads from the register, keepers from the fold.
import { hostedName } from '../../../protocols/githost/hosted-names.ts'
import type { HostedRepoView } from '../../../protocols/http/hosted.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Names } from '../../tasks/names/names.ts'
import { headsOf, keyOf, repoOf } from './heads.ts'
import type { Holders } from './holders.ts'

export type HostedViewComponents = {
  names: Pick<Names, 'newest' | 'all'>
  holders: Holders
  nameOf(peer: PeerId): string
  stateOf(peer: PeerId): HostedRepoView['holders'][number]['state']
}

export function hostedNames({ names, holders }: Pick<HostedViewComponents, 'names' | 'holders'>): string[] {
  return [...new Set([...holders.repos(), ...names.all().flatMap(([key]) => repoOf(key) ?? [])])].sort()
}

export function hostedView({ names, holders, nameOf, stateOf }: HostedViewComponents, repo: string): HostedRepoView | undefined {
  if (!hostedName.safeParse(repo).success) return undefined
  const value = names.newest(keyOf(repo))
  const keepers = holders.of(repo)
  if (value === undefined && keepers.length === 0) return undefined
  const version = value?.version ?? 0
  return {
    name: repo,
    url: `nimbus://mesh/${repo}`,
    version,
    head: value?.name?.head?.replace('refs/heads/', '') ?? null,
    refs: headsOf(value).map((head) => ({ ...head, byName: nameOf(head.by) })),
    holders: keepers.map(({ node, version: held }) => ({
      worker: node,
      workerName: nameOf(node),
      state: stateOf(node),
      current: held >= version,
    })),
  }
}
