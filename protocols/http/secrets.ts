// Secrets as a client sets and lists them. A value goes in and never comes out again.
import * as z from 'zod'
import { SECRET_BYTES_MAX } from '../limits.ts'
import { secretName } from './task-request.ts'

const worker = z.string().min(1).max(128)

/** Shorter ones could not be taken out of the output without taking ordinary words with them. */
const VALUE_BYTES_MIN = 4

export const secretRequest = z
  .strictObject({
    name: secretName.refine(
      (name) => !/^NIMBUS_/i.test(name) && name !== 'PATH' && name !== 'HOME',
      'a name that Nimbus does not set itself',
    ),
    value: z
      .string()
      .refine((text) => !text.includes('\0') && text.isWellFormed(), 'no NUL and no lone surrogate')
      .refine(
        (text) => Buffer.byteLength(text) >= VALUE_BYTES_MIN && Buffer.byteLength(text) <= SECRET_BYTES_MAX,
        `from ${VALUE_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes`,
      ),
    /** Who may open it; without it all workers of this moment. */
    workers: z.array(worker).min(1).max(512).optional(),
  })
  .meta({ id: 'SecretRequest' })
export const grantRequest = z.strictObject({ workers: z.array(worker).min(1).max(512) }).meta({ id: 'GrantRequest' })

export const secretView = z
  .object({ name: z.string(), version: z.int(), workers: z.array(z.string()), by: z.string(), updatedAt: z.int() })
  .meta({ id: 'Secret' })
export type SecretView = z.infer<typeof secretView>
