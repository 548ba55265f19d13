// Watches where a branch of a repository stands: asks its server every so often, over HTTP. Knows nothing of what is done about it.
import { type Cancel, type Clock, repeat } from '../kernel/clock.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { RepoCredential } from '../repos/auth/credential.ts'
import { createGitHttp } from '../repos/git-http.ts'

/** Calls back at every look, also where the branch has not moved; `onTrouble` where the server cannot be asked. */
export type OnHead = { commit(commit: string): void; trouble(reason: string): void }
type WatchHead = (repository: { url: string; branch: string }, on: OnHead) => HeadWatch
/** `look` asks now; it settles when the server has answered or failed. */
export type HeadWatch = { look(): Promise<void>; stop: Cancel }

/** A listing of a hundred thousand refs fits. */
const LISTING_BYTES_MAX = 16 * 1024 * 1024

type HeadWatchComponents = { clock: Clock; credentialFor(url: string): Promise<RepoCredential | undefined> }

export function createHeadWatch({ clock, credentialFor }: HeadWatchComponents, everyMs: number): WatchHead {
  return ({ url, branch }, on) => {
    let looking: Promise<void> | undefined
    const look = async (): Promise<void> => {
      try {
        on.commit(await headOf(url, branch, await credentialFor(url)))
      } catch (error) {
        on.trouble(messageOf(error))
      }
    }
    const once = (): Promise<void> => (looking ??= look().finally(() => (looking = undefined)))
    const stop = repeat(clock, everyMs, once, () => {})
    void once()
    return { look: once, stop }
  }
}

/** Asks for the refs in the old way, which every server answers with all of them. */
async function headOf(url: string, branch: string, credential: RepoCredential | undefined): Promise<string> {
  const http = createGitHttp({ receivedBytesMax: LISTING_BYTES_MAX, url, credential })
  const response = await http.request({ url: `${url}/info/refs?service=git-upload-pack`, method: 'GET' })
  const pieces: Uint8Array[] = []
  for await (const piece of response.body ?? []) pieces.push(piece)
  if (response.statusCode !== 200) throw unanswered(url, `it answered ${response.statusCode}`)
  const commit = findRef(Buffer.concat(pieces).toString('latin1'), `refs/heads/${branch}`)
  if (commit === undefined) throw unanswered(url, `it has no branch ${branch}`)
  return commit
}

/** Each line is `length-in-hex commit name`; the first carries the server's abilities behind a NUL. */
function findRef(listing: string, name: string): string | undefined {
  for (const [, commit, found] of listing.matchAll(/[0-9a-f]{4}([0-9a-f]{40}) ([^\0\n]+)/g)) if (found === name) return commit
  return undefined
}

function unanswered(url: string, why: string): NimbusError {
  return new NimbusError('head-unknown', `Where the branch of ${url} stands is not known, because ${why}.`, {
    kind: 'unreachable',
    cure: 'Check the address and the branch; the worker asks again by itself.',
  })
}
