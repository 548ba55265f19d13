// What a mirror on this disk knows of a ref, in the words in which its server would have said it.
import type { ServerRef } from 'isomorphic-git'
import { NimbusError } from '../../kernel/errors.ts'
import { type Target, targetOf } from '../ask-server.ts'
import { createGit } from '../system/git-command.ts'

/** Undefined where it does not know it, or does not have it. */
export async function knownIn(gitFile: string, mirror: string, url: string, ref: string | undefined): Promise<Target | undefined> {
  const git = createGit(gitFile, mirror)
  const listing = await git.run(['for-each-ref', '--format=%(objectname) %(*objectname) %(refname)', 'refs/heads', 'refs/tags'])
  const refs = listing.stdout.split('\n').flatMap((line): ServerRef[] => {
    const [, oid, peeled, name] = /^([0-9a-f]{40}) ([0-9a-f]{40})? ?(refs\/\S+)$/.exec(line) ?? []
    return oid === undefined || name === undefined ? [] : [{ ref: name, oid, ...(peeled === undefined ? {} : { peeled }) }]
  })
  const head = (await git.run(['symbolic-ref', '-q', 'HEAD'])).stdout.trim()
  const pointed = refs.find((one) => one.ref === head)
  if (pointed !== undefined) refs.push({ ref: 'HEAD', oid: pointed.oid, target: head })
  try {
    const target = targetOf(url, refs, ref)
    const has = await git.run(['cat-file', '-e', `${target.commit}^{commit}`])
    return has.exitCode === 0 ? target : undefined
  } catch (error) {
    if (error instanceof NimbusError || (error as { code?: string }).code === 'NotFoundError') return undefined
    throw error
  }
}
