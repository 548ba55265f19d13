// What REST speaks of upgrades: what this worker follows and how far it is, and what every worker of the mesh runs.
import * as z from 'zod'

const workerUpgrade = z.object({
  peerId: z.string(),
  name: z.string(),
  state: z.string(),
  version: z.string(),
  commit: z.string().optional(),
  protocol: z.int(),
  /** Absent where it follows nothing. */
  phase: z.string().optional(),
  target: z.string().optional(),
  reason: z.string().optional(),
})

export const upgradeView = z
  .object({
    /** URL#BRANCH; null where this worker follows nothing. */
    follows: z.string().nullable(),
    policy: z.enum(['admin', 'signed', 'none']).nullable(),
    phase: z.string(),
    running: z.string().nullable(),
    previous: z.string().nullable(),
    head: z.string().nullable(),
    target: z.string().nullable(),
    reason: z.string().nullable(),
    /** What the step under way waits for. */
    waiting: z.string().nullable(),
    /** Who may switch now. */
    turn: z.object({ worker: z.string(), workerName: z.string(), commit: z.string(), since: z.int() }).nullable(),
    /** Commits that are not tried again by themselves. */
    failed: z.array(z.object({ commit: z.string(), reason: z.string() })),
    workers: z.array(workerUpgrade),
  })
  .meta({ id: 'Upgrade' })
export type UpgradeView = z.infer<typeof upgradeView>

export const vouchRequest = z
  .strictObject({
    commit: z
      .string()
      .regex(/^[0-9a-f]{40}$/, 'must be a full commit of 40 digits')
      .optional(),
  })
  .meta({ id: 'VouchRequest' })
