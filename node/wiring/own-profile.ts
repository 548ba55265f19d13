// What a node says of itself to the mesh, and where it listens, from its options and what it was before.
import { hostname } from 'node:os'
import type { PeerId } from '../../protocols/ids.ts'
import type { ProfileRecord } from '../../protocols/records.ts'
import type { Engine } from '../tasks/engine.ts'
import type { Resources } from '../tasks/matching/resources.ts'

export function machineName(): string {
  const name =
    hostname()
      .split('.')[0]
      ?.toLowerCase()
      .replace(/[^a-z0-9_-]/g, '') ?? ''
  return /^[a-z0-9]/.test(name) ? name.slice(0, 63) : 'worker'
}

/** The port of the first start is kept, so that others find this node again. */
export async function listenAddresses(
  options: { listen: string[] },
  values: { get<Value>(name: string): Promise<Value | undefined> },
): Promise<string[]> {
  if (options.listen.length > 0) return options.listen
  const before = (await values.get<string[]>('listen')) ?? []
  const port = before.map((address) => /^\/ip4\/[^/]+\/tcp\/(\d+)/.exec(address)?.[1]).find((found) => found !== undefined)
  return [`/ip4/0.0.0.0/tcp/${port ?? 0}`]
}

type ProfileOptions = Pick<ProfileRecord, 'roles' | 'skills' | 'labels' | 'accept'> & {
  pool?: string | undefined
  repo?: ProfileRecord['repo'] | undefined
}

export function profileOf(options: ProfileOptions, name: string, slots: number, version: string, resources: Resources): ProfileRecord {
  const { roles, skills, labels, accept, pool, repo } = options
  return {
    kind: 'profile',
    name,
    roles,
    skills,
    labels,
    slots,
    accept,
    version,
    resources,
    ...(pool === undefined ? {} : { pool }),
    ...(repo === undefined ? {} : { repo }),
  }
}

/** Writes the profile into the log where it differs from what the mesh knows. */
export function sayWhoIAm(engine: Engine, profile: ProfileRecord, self: PeerId): void {
  const { hlc: _hlc, epoch: _epoch, ...known } = engine.fold.profile(self) ?? { hlc: 0, epoch: 0 }
  const sorted = (value: object): string =>
    JSON.stringify(value, (_key, part: unknown) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    )
  if (sorted(known) !== sorted(profile)) engine.append(profile)
}
