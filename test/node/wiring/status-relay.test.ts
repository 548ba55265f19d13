// Statuses that are passed on: signed by whom they speak of, the newest only, once along each way, within the budget.
import { expect, test } from 'vitest'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Presence } from '../../../protocols/presence.ts'
import { encodePresence } from '../../../protocols/presence.ts'
import type { LinkMessageOf } from '../../../protocols/streams.ts'
import { DOMAIN } from '../../../protocols/trust.ts'
import { createStatusRelay, paceFor } from '../../../node/wiring/overlay/status-relay.ts'
import { alice, bob, presence as ofBob } from '../../protocols/samples.ts'

const SELF = alice.peerId
const [NEAR, FAR] = ['near', 'far'] as unknown as [PeerId, PeerId]

function setUp() {
  const sent: { to: PeerId; message: unknown }[] = []
  const seen: Presence[] = []
  const duplicates: string[] = []
  const relay = createStatusRelay({
    self: SELF,
    isMember: (peer) => [SELF, bob.peerId].includes(peer),
    sign: (bytes) => alice.sign(DOMAIN.presence, bytes),
    verify: (author, bytes, signature) => alice.verifyPeer(author, DOMAIN.presence, bytes, signature),
    route: (_, from) => [NEAR, FAR].filter((peer) => peer !== from),
    onDuplicate: (from, author) => duplicates.push(`${from} ${author === bob.peerId ? 'bob' : author}`),
    send: (to, message) => (sent.push({ to, message }), true),
    onPresence: (presence) => seen.push(presence),
  })
  return { relay, sent, seen, duplicates }
}

function signed(presence: Presence, signer = bob): LinkMessageOf<'statuses'> {
  const bytes = encodePresence(presence)
  return { t: 'statuses', list: [[bytes, signer.sign(DOMAIN.presence, bytes)]] }
}

test('a new status is believed and passed on unchanged, and the same one again only makes a duplicate', () => {
  const { relay, sent, seen, duplicates } = setUp()
  relay.receive(NEAR, signed(ofBob))
  expect(seen).toEqual([ofBob])
  expect(sent).toEqual([{ to: FAR, message: signed(ofBob) }])
  relay.receive(FAR, signed(ofBob))
  expect(seen).toHaveLength(1)
  expect(sent).toHaveLength(1)
  expect(duplicates).toEqual([`${FAR} bob`])
})

test('an older status changes nothing, and a newer one does', () => {
  const { relay, seen } = setUp()
  relay.receive(NEAR, signed(ofBob))
  relay.receive(NEAR, signed({ ...ofBob, version: ofBob.version - 1 }))
  relay.receive(NEAR, signed({ ...ofBob, epoch: ofBob.epoch - 1, version: 99 }))
  relay.receive(NEAR, signed({ ...ofBob, version: ofBob.version + 1, freeSlots: 0 }))
  expect(seen.map(({ freeSlots }) => freeSlots)).toEqual([ofBob.freeSlots, 0])
})

test('nobody speaks for another, for a stranger or for this node, and rubbish is dropped', () => {
  const { relay, sent, seen } = setUp()
  relay.receive(NEAR, signed(ofBob, alice))
  relay.receive(NEAR, signed({ ...ofBob, node: SELF }, alice))
  relay.receive(NEAR, signed({ ...ofBob, node: `${bob.peerId.slice(0, -1)}x` as PeerId }))
  relay.receive(NEAR, { t: 'statuses', list: [[Uint8Array.of(1, 2, 3), new Uint8Array(64)]] })
  expect(seen).toEqual([])
  expect(sent).toEqual([])
})

test('a newcomer is told everything that is known, its own status left out', () => {
  const { relay, sent } = setUp()
  relay.tell({ ...ofBob, node: SELF })
  relay.receive(NEAR, signed(ofBob))
  sent.length = 0
  relay.tellAll(bob.peerId)
  expect(sent).toEqual([{ to: bob.peerId, message: signed({ ...ofBob, node: SELF }, alice) }])
})

test.each([13, 50, 200, 1_000, 10_000])('the statuses of %i nodes cost each of them at most 8 kB a second', (nodes) => {
  const { relay, sent } = setUp()
  relay.tell({ ...ofBob, node: SELF, memoryFreeMb: 999_999, load: 100_000 })
  const { list } = (sent[0] as { message: LinkMessageOf<'statuses'> }).message
  // 100 bytes of headers; each comes by one way, and one in five by a second one.
  const bytes = ((list[0]?.[0].length ?? 0) + 64 + 8 + 100) * 1.2
  expect((nodes * bytes * 1_000) / paceFor(nodes).tellMs).toBeLessThanOrEqual(8_000)
})
