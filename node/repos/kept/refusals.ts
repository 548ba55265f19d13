// What is refused of kept repositories, each with its name and cure; and how they are called.
import { NimbusError } from '../../kernel/errors.ts'
import type { KeptRecord } from './record.ts'

export const TREES_MAX = 32

export function repoUnknown(name: string): NimbusError {
  return new NimbusError('repo-unknown', `There is no repository ${name} on this worker.`, {
    kind: 'missing',
    cure: 'nimbus repo ls lists them.',
  })
}

export function repoBusy(name: string): NimbusError {
  return new NimbusError('repo-busy', `Something else is being done to the repository ${name}.`, {
    kind: 'busy',
    cure: 'Try again when nimbus repo show says that it is done.',
  })
}

/** @param work what would be lost, in words */
export function repoHasWork(name: string, tree: string, work: string): NimbusError {
  return new NimbusError('repo-has-work', `The work tree ${tree} of ${name} is not removed: ${work}.`, {
    kind: 'refused',
    cure: 'Push or commit what is wanted; --discard removes it all the same, for good.',
  })
}

export function overLimit(code: string, message: string): NimbusError {
  return new NimbusError(code, message, { kind: 'refused', cure: 'Remove one: nimbus repo rm NAME.' })
}

export function treeOf(record: KeptRecord, tree: string): KeptRecord['trees'][number] {
  const found = record.trees.find((one) => one.name === tree)
  if (found !== undefined) return found
  throw new NimbusError('repo-tree-unknown', `The repository ${record.name} has no work tree ${tree}.`, {
    kind: 'missing',
    cure: record.trees.length === 0 ? 'Wait until it is fetched.' : `It has ${record.trees.map((one) => one.name).join(', ')}.`,
  })
}

export function treeRefused({ name, trees }: KeptRecord, tree: string): NimbusError {
  const isFull = trees.length >= TREES_MAX
  return new NimbusError(
    isFull ? 'too-many-trees' : 'repo-tree-exists',
    isFull
      ? `The repository ${name} has ${TREES_MAX} work trees, which is the limit.`
      : `The repository ${name} has a work tree ${tree} already.`,
    { kind: 'refused', cure: 'Remove one (nimbus repo worktree NAME TREE --rm), or take another name.' },
  )
}

export function alreadyThere(record: KeptRecord, url: string): NimbusError {
  const isSame = record.url === url
  return new NimbusError('repo-exists', `This worker has a repository ${record.name} already${isSame ? '' : `, of ${record.url}`}.`, {
    kind: 'refused',
    cure: isSame ? `Bring it up to date: nimbus repo pull ${record.name}` : 'Give another name with --name.',
  })
}

export function nameFrom(url: string): string {
  const last = new URL(url).pathname.split('/').findLast((part) => part !== '') ?? ''
  const name = decodeURIComponent(last)
    .replace(/\.git$/, '')
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63)
  if (name !== '' && !/^(auth|known_hosts|hosted)$/i.test(name)) return name
  throw new NimbusError('repo-name-needed', 'That address gives no name for the repository.', {
    kind: 'usage',
    cure: 'Give one with --name.',
  })
}

/** As `20261123-154500`, in UTC. */
export function stampOf(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '').replace('T', '-')
}
