// What one save of a session consists of, as bytes that only those with its key can read: notes, the agent's own files, the work tree
// as git objects. What comes out of it was written by another worker and its agent: it is checked here, and unpacked in the sandbox only.
import { decode, encode } from '@ipld/dag-cbor'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import * as z from 'zod'
import { bytesUpTo } from '../../../protocols/bytes.ts'
import { SESSION_SAVE_BYTES_MAX } from '../../../protocols/limits.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { decryptBody, encryptBody } from '../../trust/sealing.ts'

const commit = z.string().regex(/^[0-9a-f]{40,64}$/)
const some = bytesUpTo(SESSION_SAVE_BYTES_MAX)
const savedState = z.looseObject({
  v: z.literal(1),
  session: z.string().max(64),
  /** Where the agent worked there: it may speak of that folder. */
  tree: z.string().max(4_096),
  /** What the repository was when the session began. */
  base: commit.optional(),
  /** A repository lies in the work tree, or the objects are of an index of ours beside it. */
  repository: z.boolean(),
  /** The files as they are; and where the agent's own HEAD was: a commit, and the branch if it was on one. */
  files: commit,
  head: commit.optional(),
  branch: z
    .string()
    .regex(/^refs\/heads\/[^-\s~^:?*[\\][^\s~^:?*[\\]{0,250}$/)
    .optional(),
  state: some,
  history: some,
  /** A tar of the agent's folder for settings and history. */
  config: some,
  /** A bundle of the commits since `base`. */
  bundle: some,
})
export type SavedState = z.infer<typeof savedState>

const NONCE_BYTES = 12
const squeeze = promisify(gzip)
const unsqueeze = promisify(gunzip)

/** @throws NimbusError `save-too-large` */
export async function sealState(state: SavedState, key: Uint8Array, nonce: Uint8Array): Promise<Uint8Array> {
  const packed = await squeeze(encode(state), { level: 1 })
  if (packed.length + NONCE_BYTES + 16 > SESSION_SAVE_BYTES_MAX)
    throw new NimbusError(
      'save-too-large',
      `Its state is ${packed.length} bytes, more than the ${SESSION_SAVE_BYTES_MAX} that are saved elsewhere: only its own worker can go on with it.`,
      { kind: 'refused', cure: 'Let it commit less at once: large files belong into .gitignore.' },
    )
  return encryptBody(key, nonce, packed, contextOf(state.session))
}

/** @throws NimbusError `save-damaged` where it is not what this key and session say, or too large */
export async function openState(session: string, key: Uint8Array, box: Uint8Array): Promise<SavedState> {
  try {
    const packed = decryptBody(key, box, contextOf(session))
    const state = savedState.parse(decode(await unsqueeze(packed, { maxOutputLength: SESSION_SAVE_BYTES_MAX * 8 })))
    if (state.session === session) return state
  } catch (cause) {
    throw damaged(session, cause)
  }
  throw damaged(session, undefined)
}

function damaged(session: string, cause: unknown): NimbusError {
  return new NimbusError('save-damaged', `What was saved of session ${session} cannot be read: it is not what its record says.`, {
    kind: 'refused',
    cause,
    cure: 'Start its worker again: the session lies there.',
  })
}

export function contextOf(session: string): Uint8Array {
  return encode(['nimbus/session-save/v1', session])
}
