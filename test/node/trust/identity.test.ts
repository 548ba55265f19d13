// The key file and the peer ID in it.
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { identityFromSeed, loadIdentity } from '../../../node/trust/identity.ts'
import { publicKeyOf } from '../../../node/trust/peer-keys.ts'
import { uniqueNames } from '../../../node/trust/unique-names.ts'

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'nimbus-identity-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

test('a key is made once, kept with mode 600 and found again', async () => {
  const path = await folder()
  const file = join(path, 'identity.key')
  const first = await loadIdentity(file)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await loadIdentity(file)).peerId).toBe(first.peerId)
  expect(await readdir(path)).toEqual(['identity.key'])
})

test('a key file that others can read is refused with its cure', async () => {
  const file = join(await folder(), 'identity.key')
  await loadIdentity(file)
  await chmod(file, 0o644)
  await expect(loadIdentity(file)).rejects.toMatchObject({ code: 'identity-readable', kind: 'refused', cure: `chmod 600 '${file}'` })
})

test('a damaged key file is refused, not replaced', async () => {
  const file = join(await folder(), 'identity.key')
  await writeFile(file, 'nimbus-ed25519-seed-v1 short\n', { mode: 0o600 })
  await expect(loadIdentity(file)).rejects.toMatchObject({ code: 'identity-damaged' })
})

test('the peer ID is the one that libp2p gives the same key', async () => {
  for (let number = 0; number < 50; number++) {
    const seed = new Uint8Array(32).fill(number)
    const identity = identityFromSeed(seed)
    const theirs = await generateKeyPairFromSeed('Ed25519', seed)
    expect(identity.peerId).toBe(theirs.publicKey.toString())
    expect(publicKeyOf(identity.peerId)).toEqual(theirs.publicKey.raw)
  }
})

test('a signature stands for its peer, its domain and its bytes only', () => {
  const [one, two] = [identityFromSeed(new Uint8Array(32).fill(1)), identityFromSeed(new Uint8Array(32).fill(2))]
  const bytes = Uint8Array.of(1, 2, 3)
  const signature = one.sign('a\0', bytes)
  expect(two.verifyPeer(one.peerId, 'a\0', bytes, signature)).toBe(true)
  expect(two.verifyPeer(one.peerId, 'b\0', bytes, signature)).toBe(false)
  expect(two.verifyPeer(two.peerId, 'a\0', bytes, signature)).toBe(false)
  expect(two.verifyPeer(one.peerId, 'a\0', Uint8Array.of(1, 2, 4), signature)).toBe(false)
  expect(two.verifyPeer('12D3KooWnonsense' as never, 'a\0', bytes, signature)).toBe(false)
  expect(two.verifyPeer(one.peerId, 'a\0', bytes, signature.subarray(1))).toBe(false)
})

test('the second of a name gets a number, and a name that was asked for with a number is respected', () => {
  const names = uniqueNames([
    { peerId: 1, name: 'box' },
    { peerId: 2, name: 'box' },
    { peerId: 3, name: 'box-2' },
    { peerId: 4, name: 'box' },
  ])
  expect([...names.values()]).toEqual(['box', 'box-2', 'box-2-2', 'box-3'])
})
