// One commit of a bare repository of this machine, checked out into a folder of its own by the machine's git, hardened.
import { mkdir } from 'node:fs/promises'
import { NimbusError } from '../../kernel/errors.ts'
import { checkTree } from '../../repos/check-tree.ts'
import { createGit } from '../../repos/system/git-command.ts'
import { findTool } from '../../runner/commands/find-tools.ts'

const TREE_BYTES_MAX = 2e9

/** @param dir absent or empty */
export async function cloneLocally(bare: string, commit: string, dir: string): Promise<string> {
  const gitFile = findTool('git', process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin')
  if (gitFile === undefined)
    throw new NimbusError('git-missing', 'This worker has no git, which following a repository of the mesh needs.', {
      kind: 'busy',
      cure: 'Install git on this worker.',
    })
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const git = createGit(gitFile, dir, { protocols: 'file' })
  await git.must(['init', '-q', '--template='])
  await git.must(['fetch', '-q', '--depth=1', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', `file://${bare}`, commit])
  const listing = await git.must(['ls-tree', '-r', '-l', '-z', '--full-tree', commit])
  const bytes = listing.split('\0').reduce((sum, line) => sum + Number(/^\S+ \S+ \S+ +(\d+)\t/.exec(line)?.[1] ?? 0), 0)
  if (bytes > TREE_BYTES_MAX)
    throw new NimbusError('repo-too-large', `The commit is refused, because its files take more than ${TREE_BYTES_MAX} bytes.`, {
      kind: 'refused',
      cure: 'Make the repository smaller.',
    })
  await git.must(['checkout', '-q', '-f', '--detach', commit])
  await checkTree(dir)
  return commit
}
