// Real members for the tests of the mesh: own keys, a real trust root in memory, real libp2p over TCP on loopback.
import { onTestFinished } from 'vitest'
import type { MeshId, PeerId } from '../../../protocols/ids.ts'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { silentLog } from '../../../node/kernel/log.ts'
import { createSystemRandom } from '../../../node/kernel/random.ts'
import type { MeshHost, MeshHostComponents } from '../../../node/mesh/host.ts'
import { createMeshHost } from '../../../node/mesh/host.ts'
import { createAdmission } from '../../../node/trust/admission.ts'
import type { Identity } from '../../../node/trust/identity.ts'
import { identityFromSeed } from '../../../node/trust/identity.ts'
import { createInviteBook } from '../../../node/trust/invite-book.ts'
import type { Invites } from '../../../node/trust/invites.ts'
import { createInvites } from '../../../node/trust/invites.ts'
import type { TrustSet } from '../../../node/trust/trust-set.ts'
import { createTrustSet } from '../../../node/trust/trust-set.ts'

const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
const clock = createSystemClock()
const random = createSystemRandom()

export type Member = { identity: Identity; trust: TrustSet; invites: Invites; host: MeshHost }

function memoryStore(bytes?: Uint8Array): { load(): Promise<Uint8Array | undefined>; save(bytes: Uint8Array): Promise<void> } {
  let kept = bytes
  return {
    load: async () => kept,
    save: async (next) => {
      kept = next
    },
  }
}

export type MemberOptions = {
  seed?: Uint8Array
  psk: Uint8Array
  mesh?: MeshId
  trustBytes?: Uint8Array
  ready?: MeshHostComponents['ready']
  book?: [PeerId, string[]][]
  listen?: string
}

/** A node that founds a mesh, or one that has only been given its trust root. */
export async function createMember(options: MemberOptions): Promise<Member> {
  const identity = identityFromSeed(options.seed ?? random.bytes(32))
  const onError = (error: unknown): void => {
    throw error
  }
  const trust = createTrustSet({ identity, clock, random, store: memoryStore(options.trustBytes), onError })
  if (options.trustBytes !== undefined) await trust.load()
  else if (options.mesh === undefined) await trust.found('founder')
  const invites = createInvites({ identity, trust, book: createInviteBook(memoryStore()), psk: options.psk, clock, random })
  const host = createMeshHost(
    {
      identity,
      psk: options.psk,
      mesh: options.mesh ?? trust.mesh(),
      clock,
      random,
      log: silentLog,
      admission: createAdmission({ identity, trust, invites }),
      book: { load: async () => options.book ?? [], save: async () => {} },
      ...(options.ready === undefined ? {} : { ready: options.ready }),
    },
    { listen: [options.listen ?? LOOPBACK] },
  )
  trust.onChange(() => host.helloAgain())
  await host.start()
  onTestFinished(() => host.stop())
  return { identity, trust, invites, host }
}

/** A founder and `count - 1` members that hold certificates; none is linked yet. */
export async function createMembers(count: number): Promise<Member[]> {
  const psk = random.bytes(32)
  const founder = await createMember({ psk })
  const members = [founder]
  for (let number = 2; number <= count; number++) members.push(await certifiedMember(founder, psk, `member-${number}`))
  return members
}

export async function certifiedMember(founder: Member, psk: Uint8Array, name: string, more: Partial<MemberOptions> = {}): Promise<Member> {
  const seed = more.seed ?? random.bytes(32)
  await founder.trust.issue(identityFromSeed(seed).peerId, name, 'member', 'test')
  return createMember({ ...more, psk, seed, trustBytes: founder.trust.encode() })
}

export async function until(condition: () => boolean, what: string, timeoutMs = 30_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
