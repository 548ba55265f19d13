// Secrets as people and runs use them: put one in, let a worker open it, take it away; and open those that a task names, here, on
// the worker that runs it. A value is in the clear only in the memory of the node that sets it and of the one that runs the task.
import { encode } from '@ipld/dag-cbor'
import type { PeerId } from '../../../protocols/ids.ts'
import { SECRET_READERS_MAX } from '../../../protocols/limits.ts'
import type { Entry } from '../../../protocols/records.ts'
import type { SealedKey } from '../../../protocols/tasks/secret-records.ts'
import type { SecretView } from '../../../protocols/http/secrets.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { hlcToMs } from '../../kernel/hlc.ts'
import type { Random } from '../../kernel/random.ts'
import type { Sealing } from '../../trust/sealing.ts'
import { decryptBody, encryptBody } from '../../trust/sealing.ts'
import type { KnownSecret, SecretBook } from './secret-book.ts'

export type VaultComponents = {
  self: PeerId
  mesh: string
  random: Random
  sealing: Sealing
  book: SecretBook
  /** Settles when a majority has it, or after a while. */
  write(entry: Entry): Promise<void>
  assertMayWrite(deed: string): void
  /** Members that may run work. */
  workers(): PeerId[]
  find(nameOrId: string): PeerId | undefined
  nameOf(peer: PeerId): string
  /** Asks another node, which can open the secret, to grant it. */
  askToGrant(peer: PeerId, name: string, readers: PeerId[]): Promise<void>
  reachable(): PeerId[]
}

export type Vault = {
  list(): SecretView[]
  set(request: { name: string; value: string; workers?: string[] | undefined }): Promise<SecretView>
  grant(name: string, workers: readonly string[]): Promise<SecretView>
  /** The same, asked by another node. */
  grantTo(name: string, readers: readonly PeerId[]): Promise<void>
  remove(name: string): Promise<void>
  /** Values by name, for a run on this node. */
  open(names: readonly string[]): Promise<Record<string, string>>
}

const KEY_BYTES = 32
const NONCE_BYTES = 12
const ID_BYTES = 16

export function createVault(components: VaultComponents): Vault {
  const { self, random, sealing, book } = components
  const contextOf = ({ name, version, id }: Pick<KnownSecret, 'name' | 'version' | 'id'>, reader?: PeerId): Uint8Array =>
    encode([components.mesh, name, version, id, reader ?? null])

  const known = (name: string): KnownSecret => {
    const secret = book.find(name)
    if (secret !== undefined) return secret
    throw new NimbusError('secret-unknown', `There is no secret ${name}.`, {
      kind: 'missing',
      cure: `Set it: nimbus secret set ${name} < FILE`,
    })
  }
  const viewOf = ({ name, version, author, hlc, grants }: KnownSecret): SecretView => ({
    name,
    version,
    workers: [...grants.keys()].map((reader) => components.nameOf(reader)).toSorted(),
    by: components.nameOf(author),
    updatedAt: hlcToMs(hlc),
  })
  const readerOf = (nameOrId: string): PeerId => {
    const peer = components.find(nameOrId)
    if (peer === undefined)
      throw new NimbusError('worker-unknown', `There is no worker ${nameOrId}.`, { kind: 'missing', cure: 'nimbus worker ls lists them.' })
    if (book.sealingKey(peer) !== undefined) return peer
    throw new NimbusError('no-sealing-key', `Worker ${nameOrId} has not said yet to which key secrets are sealed for it.`, {
      kind: 'refused',
      cure: 'Start it once, so that it says so, then ask again.',
    })
  }
  const sealTo = async (
    readers: readonly PeerId[],
    key: Uint8Array,
    secret: Pick<KnownSecret, 'name' | 'version' | 'id'>,
  ): Promise<SealedKey[]> => {
    if (readers.length > SECRET_READERS_MAX)
      throw new NimbusError(
        'too-many-readers',
        `${readers.length} workers are too many for one secret; ${SECRET_READERS_MAX} is the limit.`,
        {
          kind: 'usage',
          cure: 'Name the workers that need it: --worker W.',
        },
      )
    const sealed = readers.map(async (to): Promise<SealedKey> => {
      const target = to === self ? sealing.publicKey : book.sealingKey(to)
      if (target === undefined) throw new NimbusError('no-sealing-key', `${components.nameOf(to)} has told no key.`, { kind: 'refused' })
      return { to, ...(await sealing.seal(target, key, contextOf(secret, to))) }
    })
    return Promise.all(sealed)
  }
  const keyOf = async (secret: KnownSecret): Promise<Uint8Array> => {
    const grant = secret.grants.get(self)
    const from = grant === undefined ? undefined : grant.from === self ? sealing.publicKey : book.sealingKey(grant.from)
    const opened = grant === undefined || from === undefined ? undefined : sealing.open(from, grant, contextOf(secret, self))
    const key = await opened?.catch(() => undefined) // sealed wrongly is as good as not sealed
    if (key !== undefined) return key
    throw new NimbusError('secret-sealed', `${components.nameOf(self)} may not open the secret ${secret.name}.`, {
      kind: 'refused',
      cure: `nimbus secret grant ${secret.name} --worker ${components.nameOf(self)}, on a worker that may.`,
    })
  }
  const grantTo = async (name: string, readers: readonly PeerId[]): Promise<void> => {
    const secret = known(name)
    const more = readers.filter((reader) => !secret.grants.has(reader))
    if (more.length === 0) return
    const { version, id } = secret
    await components.write({ kind: 'secret-grant', name, version, id, sealed: await sealTo(more, await keyOf(secret), secret) })
  }

  return {
    list: () => book.all().map(viewOf),
    async set({ name, value, workers }) {
      components.assertMayWrite('set secrets')
      const readers = workers?.map(readerOf) ?? components.workers().filter((peer) => peer === self || book.sealingKey(peer) !== undefined)
      const key = random.bytes(KEY_BYTES)
      const secret = { name, version: book.versionOf(name) + 1, id: random.bytes(ID_BYTES) }
      const box = encryptBody(key, random.bytes(NONCE_BYTES), Buffer.from(value), contextOf(secret))
      await components.write({ kind: 'secret', ...secret, box, sealed: await sealTo([...new Set(readers)], key, secret) })
      return viewOf(known(name))
    },
    async grant(name, workers) {
      components.assertMayWrite('grant secrets')
      const readers = workers.map(readerOf)
      const secret = known(name)
      if (secret.grants.has(self)) await grantTo(name, readers)
      else {
        const helper = components.reachable().find((peer) => secret.grants.has(peer))
        if (helper === undefined)
          throw new NimbusError('secret-sealed', `Nobody who can be reached may open the secret ${name}.`, {
            kind: 'unreachable',
            cure: `Start ${viewOf(secret).workers.join(' or ')}, or set it anew.`,
          })
        await components.askToGrant(helper, name, readers)
      }
      return viewOf(known(name))
    },
    grantTo,
    async remove(name) {
      components.assertMayWrite('remove secrets')
      const { version } = known(name)
      await components.write({ kind: 'secret', name, version: version + 1, id: random.bytes(ID_BYTES), sealed: [], removed: true })
    },
    async open(names) {
      const values: Record<string, string> = {}
      for (const name of names) {
        const secret = known(name)
        values[name] = Buffer.from(decryptBody(await keyOf(secret), secret.body, contextOf(secret))).toString()
      }
      return values
    },
  }
}
