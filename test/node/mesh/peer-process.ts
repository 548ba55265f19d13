// A member in a process of its own, for tests that kill it. It prints what it hears by gossip. Its parent hands it everything in one JSON argument.
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { silentLog } from '../../../node/kernel/log.ts'
import { createSystemRandom } from '../../../node/kernel/random.ts'
import { createMeshHost } from '../../../node/mesh/host.ts'
import { createAdmission } from '../../../node/trust/admission.ts'
import { identityFromSeed } from '../../../node/trust/identity.ts'
import { createInviteBook } from '../../../node/trust/invite-book.ts'
import { createInvites } from '../../../node/trust/invites.ts'
import { createTrustSet } from '../../../node/trust/trust-set.ts'

/** Bytes as base64. */
export type PeerOrder = { seed: string; psk: string; trust: string; dial: string[] }

const order = JSON.parse(process.argv[2] ?? '') as PeerOrder
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))
const [clock, random, psk] = [createSystemClock(), createSystemRandom(), bytes(order.psk)]
const identity = identityFromSeed(bytes(order.seed))
const trust = createTrustSet({
  identity,
  clock,
  random,
  store: { load: async () => bytes(order.trust), save: async () => {} },
  onError: (error) => process.stderr.write(`${String(error)}\n`),
})
await trust.load()
const book = createInviteBook({ load: async () => undefined, save: async () => {} })
const admission = createAdmission({ identity, trust, invites: createInvites({ identity, trust, book, psk, clock, random }) })
const host = createMeshHost(
  { identity, psk, mesh: trust.mesh(), clock, random, log: silentLog, admission, book: { load: async () => [], save: async () => {} } },
  { listen: ['/ip4/127.0.0.1/tcp/0'] },
)
host.events.on('announcement', ({ bytes: said }) => process.stdout.write(`${new TextDecoder().decode(said)}\n`))
await host.start()
await host.dial(order.dial)
setInterval(() => {}, 60_000) // lives until it is killed
