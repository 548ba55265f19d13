// Blobs from whoever has them: the member that should, then all others. What comes is believed only by its hash.
import type { CallRequest } from '../../../protocols/calls.ts'
import { decodeCallAnswer } from '../../../protocols/calls.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import { BLOB_BYTES_MAX, LOG_BYTES_MAX } from '../../../protocols/limits.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { BlobReceiver, BlobStore } from '../../store/blobs.ts'

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

type Draft = { receiver: BlobReceiver; size: number }

/** A log has room for frame headers beside the output itself. */
const BYTES_MAX = Math.max(BLOB_BYTES_MAX, LOG_BYTES_MAX * 2)

export function createBlobFetch({ self, blobs, linked, call }: BlobFetchComponents): BlobFetch {
  /** Adds what one peer sends to what is here already; true where that was the end of it. */
  const takeFrom = async (peer: PeerId, hash: string, draft: Draft, signal: AbortSignal): Promise<boolean> => {
    const from = draft.size === 0 ? {} : { from: draft.size }
    for await (const frame of call(peer, { op: 'blob', hash, ...from }, signal)) {
      const answer = decodeCallAnswer(frame)
      if (answer?.t === 'done') return true
      if (answer?.t !== 'bytes') return false
      await draft.receiver.write(answer.bytes)
      draft.size += answer.bytes.length
    }
    return false
  }
  const keep = async (hash: string, first: PeerId | undefined, signal: AbortSignal): Promise<boolean> => {
    if (await blobs.has(hash)) return true
    const here = linked()
    const sources = [...new Set([...(first === undefined ? [] : [first]), ...here])].filter((peer) => peer !== self && here.includes(peer))
    let draft: Draft | undefined
    /** After wrong bytes nobody knows whose they were: from then on each peer sends all of it. */
    let resumes = true
    for (const peer of sources) {
      if (signal.aborted) break
      draft ??= { receiver: await blobs.receive(hash, BYTES_MAX), size: 0 }
      try {
        if (await takeFrom(peer, hash, draft, signal)) {
          const { receiver } = draft
          draft = undefined
          if ((await receiver.finish()).hash === hash) return true
        }
      } catch (error) {
        // It does not have it, or went away: the next one goes on. What is no content of this name is thrown away.
        if (draft === undefined || (error instanceof NimbusError && error.code === 'blob-too-large')) resumes = false
      }
      if (resumes) continue
      await draft?.receiver.abort()
      draft = undefined
    }
    await draft?.receiver.abort()
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
