// Files by hash and secrets by name, in memory.
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { GroupView } from '../../../protocols/http/groups.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type {
  BlobPort,
  BuildsPort,
  GroupsPort,
  HostingPort,
  NodePort,
  NamesPort,
  SecretPort,
  ServicesPort,
  CostsPort,
  UpgradePort,
} from '../../../node/api/ports.ts'
import type { SessionsPort } from '../../../node/api/routes/sessions/sessions-port.ts'
import type { ReposPort } from '../../../node/api/repos-port.ts'
import type { TokenDesk } from '../../../node/tasks/tokens/token-desk.ts'
import { createTokenRoom } from '../tasks/tokens/token-room.ts'
import { createFakeTools } from '../agents/fake-tools.ts'
import { NimbusError } from '../../../node/kernel/errors.ts'
import { createFakeHosting, createFakeRepos } from './rooms/fake-repos.ts'
import { createServiceRoom } from '../services/service-room.ts'
import { createFakeCosts } from './rooms/fake-costs.ts'
import { createFakeSessions } from './rooms/fake-sessions.ts'

export function createFakeFiles(): BlobPort {
  const files = new Map<string, Buffer>()
  return {
    async put(source) {
      const pieces: Uint8Array[] = []
      for await (const piece of source) pieces.push(piece)
      const bytes = Buffer.concat(pieces)
      const hash = createHash('sha256').update(bytes).digest('hex')
      files.set(hash, bytes)
      return { hash, size: bytes.length }
    },
    async open(hash) {
      const bytes = files.get(hash)
      if (bytes === undefined) throw new NimbusError('artifact-unknown', 'It is nowhere.', { kind: 'missing' })
      return { size: bytes.length, bytes: Readable.from([bytes]), from: (byte) => Readable.from([bytes.subarray(byte)]) }
    },
  }
}

export function createFakeSecrets(): SecretPort {
  const secrets = new Map<string, ReturnType<SecretPort['list']>[number]>()
  const put = (name: string, workers: string[]) => {
    const view = { name, version: (secrets.get(name)?.version ?? 0) + 1, workers, by: 'box', updatedAt: 1 }
    secrets.set(name, view)
    return view
  }
  return {
    list: () => [...secrets.values()],
    set: async ({ name, workers }) => put(name, workers ?? ['box']),
    grant: async (name, workers) => put(name, [...workers]),
    remove: async (name) => void secrets.delete(name),
  }
}

/** Names: one process, so a map is enough. */
function createFakeNames(): NamesPort {
  const sums = new Map<string, number>()
  return {
    locks: () => [],
    async *hold() {
      yield { event: 'held', fence: 1, certainMs: 1_000 }
    },
    counters: () => [...sums].map(([name, value]) => ({ name, value })),
    counter(name) {
      const value = sums.get(name)
      return value === undefined ? undefined : { name, value }
    },
    async add(name, by) {
      const value = (sums.get(name) ?? 0) + by
      sums.set(name, value)
      return { name, value }
    },
  }
}

/** One group of one keeper. */
function createFakeGroups(): GroupsPort {
  const group: GroupView = {
    name: 'default',
    version: 1,
    seats: [{ peerId: 'box', name: 'box', state: 'alive', awaySince: null }],
    reachable: 1,
    majority: 1,
    recoveries: [],
  }
  return { list: () => [group], find: (name) => (name === group.name ? group : undefined), recover: async () => group }
}

/** A worker that follows a branch and is done. */
function createFakeUpgrade(): UpgradePort {
  return {
    view: () => ({
      follows: 'http://127.0.0.1/nimbus.git#main',
      policy: 'none',
      phase: 'done',
      running: 'a'.repeat(40),
      previous: null,
      head: 'a'.repeat(40),
      target: null,
      reason: null,
      waiting: null,
      turn: null,
      failed: [],
      workers: [{ peerId: 'box', name: 'box', state: 'alive', version: '0.1.0', protocol: 1, phase: 'done' }],
    }),
    order: async () => {},
    vouch: async () => {},
  }
}

function createFakeBuilds(): BuildsPort {
  const unknown = () => Promise.reject(new NimbusError('provenance-unknown', 'No build has left it.', { kind: 'missing' }))
  const none = () => Promise.resolve(undefined)
  return { list: () => ({ items: [] }), find: none, provenance: unknown, cache: none }
}

/** Rooms of which a test of the surface asks little. */
export function createFakeRooms(self: PeerId): {
  names: NamesPort
  groups: GroupsPort
  repos: ReposPort
  services: ServicesPort
  upgrade: UpgradePort
  hosting: HostingPort
  sessions: SessionsPort
  costs: CostsPort
  builds: BuildsPort
  tokens: TokenDesk
  readLines: NodePort['readLines']
} & ReturnType<typeof createFakeTools> {
  return {
    async *readLines() {},
    names: createFakeNames(),
    groups: createFakeGroups(),
    repos: createFakeRepos(),
    services: createServiceRoom(self).desk,
    upgrade: createFakeUpgrade(),
    hosting: createFakeHosting(),
    sessions: createFakeSessions(),
    costs: createFakeCosts(),
    builds: createFakeBuilds(),
    tokens: createTokenRoom(self).desk,
    ...createFakeTools(),
  }
}
