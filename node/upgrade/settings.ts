// The settings of a worker that follows a repository, as the configuration gives them: checked, with their defaults.
import * as z from 'zod'
import { formatDuration, parseDuration } from '../kernel/durations.ts'
import { parseFollow, type UpgradeOptions } from './policy.ts'

const FOLLOW_ERROR = 'must be the address of a repository and a branch, as https://example.org/nimbus.git#main or nimbus://mesh/nimbus#main'
export const followSetting = z
  .string()
  .max(2304)
  .refine((text) => parseFollow(text) !== undefined, FOLLOW_ERROR)

const MS_MIN = 100
const time = z
  .string()
  .refine((text) => (parseDuration(text) ?? 0) >= MS_MIN, `must be a duration of ${formatDuration(MS_MIN)} or more, as 1m`)
export const upgradeSetting = z.strictObject({
  follow: followSetting.optional(),
  policy: z.enum(['admin', 'signed', 'none'], 'must be admin, signed or none').default('admin'),
  signers: z
    .array(z.string().regex(/^ssh-(ed25519|rsa) [A-Za-z0-9+/]+=*( .*)?$/, 'must be a line as ssh-ed25519 AAAA… name'))
    .max(64)
    .default([]),
  check: z.array(z.string().min(1).max(1024)).max(64).default([]),
  every: time.default('1m'),
  drain: time.default('5m'),
  canary: z.boolean('must be true or false').default(false),
})

/** Undefined where nothing is followed. @param follow of a flag; it wins */
export function upgradeOptions(setting: unknown, follow: string | undefined): UpgradeOptions | undefined {
  const { every, drain, ...values } = upgradeSetting.parse(setting ?? {})
  const followed = parseFollow(follow ?? values.follow ?? '')
  if (followed === undefined) return undefined
  return { ...values, follow: followed, everyMs: parseDuration(every) ?? 0, drainMs: parseDuration(drain) ?? 0 }
}
