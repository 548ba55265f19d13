// Tokens as a client makes and lists them. The text of one is in the answer that made it, and nowhere afterwards.
import * as z from 'zod'
import { tokenRole } from './token-records.ts'
import { verb, VERBS } from '../agents/capability.ts'
import { durationText } from '../http/task-request.ts'

export const tokenRequest = z
  .strictObject({
    name: z
      .string()
      .max(64)
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'letters, digits, dot, _ and -, beginning with a letter or a digit'),
    role: tokenRole.exclude(['custom']).optional(),
    /** Instead of a role: exactly these verbs. */
    may: z.array(verb).min(1).max(VERBS.length).optional(),
    expires: durationText.default('24h'),
  })
  .refine(({ role, may }) => role === undefined || may === undefined, { path: ['may'], message: 'give a role or verbs, not both' })
  .meta({ id: 'TokenRequest' })
export type TokenRequest = z.infer<typeof tokenRequest>

export const tokenView = z
  .object({
    id: z.string(),
    name: z.string(),
    role: tokenRole,
    verbs: z.array(verb),
    /** `mesh`, or the one worker that takes it: an admin's counts everywhere. */
    at: z.string(),
    by: z.string(),
    createdAt: z.int(),
    expiresAt: z.int(),
    state: z.enum(['valid', 'expired', 'revoked']),
  })
  .meta({ id: 'Token' })
export type TokenView = z.infer<typeof tokenView>

const durability = z.enum(['majority', 'local'])
/** `local`: members that cannot be reached now hear of it when they can. */
export const madeToken = tokenView.extend({ token: z.string(), durability }).meta({ id: 'MadeToken' })
export type MadeToken = z.infer<typeof madeToken>
export const revokedToken = tokenView.extend({ durability }).meta({ id: 'RevokedToken' })
export type RevokedToken = z.infer<typeof revokedToken>
