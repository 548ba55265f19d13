// The node's one Ed25519 key: its libp2p peer ID and everything it signs. The key never leaves the key file and the
// memory of this process, and a key file that others can read is refused.
import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto'
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { PeerId } from '../../protocols/ids.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { PeerKeys } from './peer-keys.ts'
import { createPeerKeys, peerIdOf, signingBytes } from './peer-keys.ts'

export type Identity = PeerKeys & {
  peerId: PeerId
  /** The 32 secret bytes, for libp2p's own copy of the key. */
  seed: Uint8Array
  sign(domain: string, bytes: Uint8Array): Uint8Array
}

const FILE_HEAD = 'nimbus-ed25519-seed-v1 '
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

/** @param seed 32 bytes */
export function identityFromSeed(seed: Uint8Array): Identity {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '', 'base64url')
  return {
    ...createPeerKeys(),
    peerId: peerIdOf(publicKey),
    seed,
    sign: (domain, bytes) => new Uint8Array(sign(null, signingBytes(domain, bytes), privateKey)),
  }
}

/** Reads the key file, or makes a key and its file where there is none. */
export async function loadIdentity(file: string): Promise<Identity> {
  const text = await readKeyFile(file)
  if (text !== undefined) return identityFromSeed(parseSeed(file, text))
  const seed = new Uint8Array(randomBytes(32))
  await createKeyFile(file, `${FILE_HEAD}${Buffer.from(seed).toString('base64url')}\n`)
  return identityFromSeed(seed)
}

async function readKeyFile(file: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(file)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new NimbusError(
        'identity-readable',
        `The key file ${file} has mode ${(mode & 0o777).toString(8)}: other users of this machine can read it.`,
        {
          kind: 'refused',
          cure: `chmod 600 '${file}'`,
        },
      )
    }
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parseSeed(file: string, text: string): Uint8Array {
  const seed = Buffer.from(text.slice(FILE_HEAD.length).trim(), 'base64url')
  if (text.startsWith(FILE_HEAD) && seed.length === 32) return new Uint8Array(seed)
  throw new NimbusError('identity-damaged', `The key file ${file} does not hold a Nimbus key (${text.length} characters).`, {
    cure: 'Restore it from a backup; without it this node can only come back as a new member.',
  })
}

/** Write, fsync, rename: never half a key file, whatever moment the machine stops at. */
async function createKeyFile(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
  if (process.platform === 'win32') return // a folder cannot be opened there
  const folder = await open(dirname(file), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
