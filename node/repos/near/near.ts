// Where objects of a repository may be nearer than at its own server: a mirror on this machine, mirrors and hosted repositories of other
// members. Whoever gives them, they are asked for by the commit that the server named, and their names are what they hold.
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import { safe } from '../../kernel/safe-text.ts'
import type { Target } from '../ask-server.ts'

/** `at`: when its holder had asked the server itself, in milliseconds; without it only the commit is known, not which branch it is. */
export type Near = Pick<Target, 'commit' | 'branch' | 'ref'> & { address: string; name: string; at?: number }

/** Nearby places of one clone. */
export const NEAR_MAX = 16

/** `unreachable`: why the server could not be asked. */
export type Wanted = { target: Target; near: readonly Near[]; notes: string[]; unreachable?: NimbusError }

/**
 * What to fetch, and who may have it. Where the server cannot be reached, the newest that anybody here knows, which the notes say.
 * @param ask asks the server
 * @throws NimbusError what the server refused with; also `repo-unreachable` where nobody else knows
 */
export async function findWanted(ask: () => Promise<Target>, url: string, near: readonly Near[]): Promise<Wanted> {
  try {
    const target = await ask()
    return { target, near: near.filter(({ commit }) => commit === target.commit), notes: [] }
  } catch (error) {
    if (!(error instanceof NimbusError) || error.code !== 'repo-unreachable') throw error
    const known = near.filter((one) => one.at !== undefined).toSorted((a, b) => (b.at ?? 0) - (a.at ?? 0))
    const newest = known[0]
    if (newest === undefined) throw error
    const { commit, branch, ref, name, at = 0 } = newest
    const when = new Date(at).toISOString().slice(0, 16).replace('T', ' ')
    const note = `The server of the repository could not be asked (${messageOf(error).slice(0, 300)}): this is what ${safe(name).slice(0, 80)} had of it at ${when} UTC, commit ${commit.slice(0, 12)}.`
    const target = { url, commit, ...(branch === undefined ? {} : { branch }), ...(ref === undefined ? {} : { ref }) }
    return { target, near: known.filter((one) => one.commit === commit), notes: [note], unreachable: error }
  }
}
