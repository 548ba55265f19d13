// How a node comes to belong to a mesh: it is a member already, it redeems an invite, or it founds one. Afterwards the trust
// root and the pre-shared key are on its disk.
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import { createMeshHost } from '../mesh/host.ts'
import type { Identity } from '../trust/identity.ts'
import { joinWith, readInvite } from '../trust/join-with.ts'
import type { TrustSet } from '../trust/trust-set.ts'
import type { Values } from './stored-state.ts'

export type EnterComponents = { identity: Identity; trust: TrustSet; values: Values; clock: Clock; random: Random; log: Log }
/** `bootstrap`: where the redeemer of a fresh invite listens. */
export type Entered = { psk: Uint8Array; bootstrap?: string[] }

export async function enterMesh(components: EnterComponents, wish: { name: string; join: string | undefined }): Promise<Entered> {
  const { identity, trust, values, random } = components
  const isMember = await trust.load()
  const psk = await values.get<Uint8Array>('psk')
  if (isMember && psk !== undefined) {
    if (trust.isGone(identity.peerId)) {
      throw new NimbusError('removed', 'This node has left its mesh, or was removed from it.', {
        kind: 'refused',
        cure: 'Start with a new data folder (--data DIR) and a new invite.',
      })
    }
    if (wish.join !== undefined && readInvite(wish.join).mesh !== trust.mesh()) {
      throw new NimbusError(
        'other-mesh',
        `This data folder belongs to mesh ${trust.mesh()}; the invite is for ${readInvite(wish.join).mesh}.`,
        {
          kind: 'refused',
          cure: 'Use another data folder for the other mesh: --data DIR.',
        },
      )
    }
    return { psk }
  }
  if (wish.join !== undefined) return redeem(components, wish.join, wish.name)
  const fresh = random.bytes(32)
  await values.set('psk', fresh)
  await trust.found(wish.name)
  return { psk: fresh }
}

/** Joins through a host of its own, which speaks the join protocol only and is gone afterwards. */
async function redeem({ identity, trust, values, clock, random, log }: EnterComponents, text: string, name: string): Promise<Entered> {
  const invite = readInvite(text)
  if (invite.expiresAt <= clock.wallMs()) {
    throw new NimbusError('invite-expired', `This invite expired at ${new Date(invite.expiresAt).toISOString()}.`, {
      kind: 'refused',
      cure: 'Ask for a new one: nimbus invite.',
    })
  }
  const addresses = invite.addresses.map((address) => `${address.replace(/\/p2p\/[^/]+$/, '')}/p2p/${invite.redeemer}`)
  const guest = createMeshHost(
    {
      identity,
      psk: invite.psk,
      mesh: invite.mesh,
      clock,
      random,
      log,
      admission: {
        hello: () => new Uint8Array(0),
        news: () => [],
        admit: () => ({ ok: false, code: 'not-a-member', message: 'This node is about to join.' }),
        isMember: () => false,
        isRemoved: () => false,
        guestsAllowed: () => false,
        join: () => Promise.resolve(undefined),
      },
      book: { load: () => Promise.resolve([]), save: () => Promise.resolve() },
    },
    { listen: [] },
  )
  await guest.start()
  try {
    // The key first: a node that has the trust root but not the key could never start again.
    await values.set('psk', invite.psk)
    await joinWith(invite, name, { identity, trust, random, open: () => guest.openJoin(addresses) })
  } finally {
    await guest.stop()
  }
  return { psk: invite.psk, bootstrap: addresses }
}
