// Repositories that the mesh hosts: what the register of one holds, and what members write of what they keep (decision 0021).
import * as z from 'zod'
import type { PeerId } from '../ids.ts'
import { isPeerId } from '../ids.ts'
import { HOSTED_REFS_MAX } from '../limits.ts'
import { commitId, hostedName, hostedRef } from './hosted-names.ts'

const peerId = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value), 'not a peer ID')

/** Branches and tags, in the order of their names: [full name, commit, who moved it, when]. */
export const hostedRefs = z.array(z.tuple([hostedRef, commitId, peerId, z.int().min(0)])).max(HOSTED_REFS_MAX)

/** The author keeps this repository: on its disk is all that the register named at this version. */
export const heldRecord = z.looseObject({
  kind: z.literal('repo-held'),
  repo: hostedName,
  version: z.int().min(0),
  /** It keeps it no more. */
  dropped: z.boolean().optional(),
})
export type HeldRecord = z.infer<typeof heldRecord>
