// What workers say of upgrades (decision 0023): in their profiles, and in the register of the turn.
import * as z from 'zod'
import { isPeerId, type PeerId } from '../ids.ts'

/** Whose turn it is to move to another version; it outlives the process that took it. */
export const turn = z.looseObject({
  node: z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value), 'not a peer ID'),
  commit: z.string().max(64),
  sinceMs: z.int().min(0),
})
export type Turn = z.infer<typeof turn>

/** How far a worker is that follows a repository. */
const upgradeReport = z.looseObject({
  /** URL#BRANCH */
  follows: z.string().max(2304),
  canary: z.boolean().optional(),
  phase: z.string().max(32),
  target: z.string().max(64).optional(),
  reason: z.string().max(500).optional(),
  /** The dashboard that this worker built from a commit. */
  dist: z.looseObject({ commit: z.string().max(64), hash: z.string().length(64) }).optional(),
  /** An admin vouches for this commit. */
  vouches: z.string().max(64).optional(),
})
export type UpgradeReport = z.infer<typeof upgradeReport>

/** What a profile says of what the worker runs. */
export const versionFacts = {
  /** Of the tree that it runs; absent where that tells none. */
  commit: z.string().max(64).optional(),
  /** PROTOCOL_VERSION of what it runs; absent means 1. */
  protocol: z.int().min(1).optional(),
  upgrade: upgradeReport.optional(),
}
