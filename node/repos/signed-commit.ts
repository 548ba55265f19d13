// A commit of a cloned repository as it was signed: its bytes without the header of the signature, and the signature.
import fs from 'node:fs'

const HEADER = /^gpgsig (.*(?:\n .*)*)\n/m

/** @param dir the work tree of a clone that has the commit */
export async function readSignedCommit(dir: string, commit: string): Promise<{ payload: string; signature: string | undefined }> {
  const { default: git } = await import('isomorphic-git')
  const { object } = await git.readObject({ fs, dir, oid: commit, format: 'content' })
  const text = Buffer.from(object as Uint8Array).toString('latin1')
  // The message follows the first empty line; what looks like a header in it is none.
  const end = text.indexOf('\n\n') + 1
  const [whole, signature] = HEADER.exec(text.slice(0, end)) ?? []
  return {
    payload: whole === undefined ? text : text.slice(0, end).replace(whole, '') + text.slice(end),
    signature: signature?.replaceAll('\n ', '\n'),
  }
}
