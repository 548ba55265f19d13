// Blobs from whoever has them: the member that should, then all others. What comes is believed only by its hash.
import type { CallRequest } from '../../../protocols/calls.ts'
import { decodeCallAnswer } from '../../../protocols/calls.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import { BLOB_BYTES_MAX, LOG_BYTES_MAX } from '../../../protocols/limits.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { BlobStore } from '../../store/blobs.ts'

export type BlobFetchComponents = {
  self: PeerId
  blobs: Pick<BlobStore, 'has' | 'receive'>
  linked(): PeerId[]
  call(peer: PeerId, request: CallRequest, signal: AbortSignal): AsyncIterable<Uint8Array>
}
export type BlobFetch = {
  /** Fetches a blob that is not here yet; false where nobody who can be reached has it. */
  keep(hash: string, first: PeerId | undefined, signal: AbortSignal): Promise<boolean>
  /** The same, with a refusal that says what is missing. */
  need(what: string, hash: string, first: PeerId | undefined, signal: AbortSignal): Promise<void>
}

/** A log has room for frame headers beside the output itself. */
const BYTES_MAX = Math.max(BLOB_BYTES_MAX, LOG_BYTES_MAX * 2)

export function createBlobFetch({ self, blobs, linked, call }: BlobFetchComponents): BlobFetch {
  const fetchFrom = async (peer: PeerId, hash: string, signal: AbortSignal): Promise<boolean> => {
    const receiver = await blobs.receive(hash, BYTES_MAX)
    try {
      for await (const frame of call(peer, { op: 'blob', hash }, signal)) {
        const answer = decodeCallAnswer(frame)
        if (answer?.t === 'done') return (await receiver.finish()).hash === hash
        if (answer?.t !== 'bytes') break
        await receiver.write(answer.bytes)
      }
    } catch {
      // This peer does not have it, or went away: the next one is asked.
    }
    await receiver.abort()
    return false
  }
  const keep = async (hash: string, first: PeerId | undefined, signal: AbortSignal): Promise<boolean> => {
    if (await blobs.has(hash)) return true
    const here = linked()
    const sources = [...new Set([...(first === undefined ? [] : [first]), ...here])].filter((peer) => peer !== self && here.includes(peer))
    for (const peer of sources) if (!signal.aborted && (await fetchFrom(peer, hash, signal))) return true
    return false
  }
  return {
    keep,
    async need(what, hash, first, signal) {
      if (await keep(hash, first, signal)) return
      throw new NimbusError('blob-out-of-reach', `${what} (${hash}) is on no worker that can be reached.`, {
        kind: 'unreachable',
        cure: 'Start the worker that has it again, or bring it anew: files go when their task is older than the retention of the nodes.',
      })
    },
  }
}
