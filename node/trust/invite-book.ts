// The invites that this node has given out, on disk before anybody hears of them: of each secret only the public key,
// and every use, so that neither a crash nor a copy of the folder gives a use twice.
import { decode, encode } from '@ipld/dag-cbor'
import * as z from 'zod'
import type { PeerId } from '../../protocols/ids.ts'
import { isPeerId } from '../../protocols/ids.ts'
import { memberRole } from '../../protocols/trust.ts'
import { NimbusError } from '../kernel/errors.ts'

/** Invites kept; at the limit `add` refuses. */
const INVITES_MAX = 1000
/** An expired invite is kept this long, so that late joiners hear "expired" rather than "unknown". */
const KEEP_EXPIRED_MS = 24 * 3_600_000

const peerId = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value))
const kept = z.looseObject({
  id: z.string(),
  publicKey: z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === 32),
  role: memberRole,
  uses: z.int(),
  usedBy: z.array(peerId),
  expiresAt: z.int(),
})
export type KeptInvite = z.infer<typeof kept>

export type InviteBook = {
  load(): Promise<void>
  find(id: string): KeptInvite | undefined
  size(): number
  add(invite: KeptInvite, nowMs: number): Promise<void>
  /** Writes a use down; a further use by the same joiner is the same use. Durable when it answers. */
  use(invite: KeptInvite, joiner: PeerId): Promise<void>
}

export function createInviteBook(store: { load(): Promise<Uint8Array | undefined>; save(bytes: Uint8Array): Promise<void> }): InviteBook {
  let invites = new Map<string, KeptInvite>()
  let saving: Promise<void> = Promise.resolve()
  const save = (): Promise<void> => {
    saving = saving.catch(() => {}).then(() => store.save(encode([...invites.values()]))) // an earlier failure was told to its own caller
    return saving
  }
  return {
    async load() {
      const bytes = await store.load()
      if (bytes !== undefined)
        invites = new Map(
          z
            .array(kept)
            .parse(decode(bytes))
            .map((invite) => [invite.id, invite]),
        )
    },
    find: (id) => invites.get(id),
    size: () => invites.size,
    async add(invite, nowMs) {
      for (const old of invites.values()) if (old.expiresAt + KEEP_EXPIRED_MS < nowMs) invites.delete(old.id)
      if (invites.size >= INVITES_MAX) {
        throw new NimbusError('invites-full', `This node already keeps ${INVITES_MAX} invites.`, {
          kind: 'busy',
          cure: 'Use one invite with several uses, or wait until some have expired.',
        })
      }
      invites.set(invite.id, invite)
      await save()
    },
    async use(invite, joiner) {
      if (!invite.usedBy.includes(joiner)) invite.usedBy.push(joiner)
      await save()
    },
  }
}
