// Joins the vault to the mesh: where its records go, which workers there are, and whom it may ask to grant what it cannot open.
import { decodeCallAnswer } from '../../../protocols/calls.ts'
import type { CallRequest } from '../../../protocols/calls.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Random } from '../../kernel/random.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { SecretBook } from '../../tasks/secrets/secret-book.ts'
import type { Vault } from '../../tasks/secrets/vault.ts'
import { createVault } from '../../tasks/secrets/vault.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import type { Sealing } from '../../trust/sealing.ts'
import { createMayWrite } from '../plan/may-write.ts'

const DURABLE_MS = 1_500

export function openVault(components: {
  self: PeerId
  mesh: string
  random: Random
  sealing: Sealing
  book: SecretBook
  engine: Pick<Engine, 'append' | 'durable'>
  fleet: Fleet
  linked(): PeerId[]
  call(peer: PeerId, request: CallRequest): AsyncIterable<Uint8Array>
}): Vault {
  const { self, engine, fleet } = components
  return createVault({
    ...components,
    async write(entry) {
      await engine.durable(engine.append(entry), DURABLE_MS)
    },
    assertMayWrite: createMayWrite(self, fleet),
    workers: () => fleet.offers().flatMap((offer) => (offer.mayRun || offer.node === self ? [offer.node] : [])),
    find: fleet.find,
    nameOf: fleet.nameOf,
    reachable: components.linked,
    async askToGrant(peer, name, readers) {
      for await (const frame of components.call(peer, { op: 'grant', name, readers })) {
        const answer = decodeCallAnswer(frame)
        if (answer?.t === 'error') throw new NimbusError(answer.code, answer.message, { kind: answer.kind })
      }
    },
  })
}

/** Others can seal to this node once its key stands in its log. */
export function sayKey(
  engine: Pick<Engine, 'append'>,
  { book, sealing, self }: { book: SecretBook; sealing: Sealing; self: PeerId },
): void {
  const said = book.sealingKey(self)
  if (said === undefined || Buffer.compare(said, sealing.publicKey) !== 0) engine.append({ kind: 'sealing-key', key: sealing.publicKey })
}
