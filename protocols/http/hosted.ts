// What REST speaks of repositories that the mesh hosts: their branches and tags, and who keeps them.
import * as z from 'zod'
import { hostedName } from '../githost/hosted-names.ts'

export const hostRequest = z
  .strictObject({
    name: hostedName,
    /** What it begins with: a folder of this machine, or an address of http(s). Without it an empty one, or a mirror of what others keep. */
    from: z.string().min(1).max(2048).optional(),
  })
  .meta({ id: 'HostRequest' })
export type HostRequest = z.infer<typeof hostRequest>

export const hostedRepoView = z
  .object({
    name: z.string(),
    url: z.string(),
    /** Grows with each push. */
    version: z.int(),
    /** Short name of the default branch; null while there is none. */
    head: z.string().nullable(),
    /** `by` is the worker through which it was pushed. */
    refs: z.array(z.object({ ref: z.string(), commit: z.string(), by: z.string(), byName: z.string(), at: z.int() })),
    holders: z.array(
      z.object({
        worker: z.string(),
        workerName: z.string(),
        state: z.enum(['alive', 'suspect', 'dead', 'left']),
        /** Whether all that the newest version names is there. */
        current: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'HostedRepo' })
export type HostedRepoView = z.infer<typeof hostedRepoView>
