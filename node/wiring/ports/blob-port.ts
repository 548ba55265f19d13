// Files that clients bring and fetch: kept here, found anywhere.
import type { BlobPort } from '../../api/ports.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { BLOB_BYTES_MAX } from '../../../protocols/limits.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { RetentionRule } from '../../tasks/retention/rule.ts'
import type { BlobFetch } from '../../tasks/work/blob-fetch.ts'

export function createBlobPort({
  blobs,
  fetch,
  retention,
}: {
  blobs: BlobStore
  fetch: Pick<BlobFetch, 'keep'>
  retention: Pick<RetentionRule, 'isLost' | 'refusal'>
}): BlobPort {
  return {
    put: (source) => blobs.putStream(source, BLOB_BYTES_MAX),
    async open(hash, signal) {
      // The signal fires when the request is over, however it ended.
      const release = await blobs.hold(hash)
      if (signal.aborted) release()
      signal.addEventListener('abort', release, { once: true })
      const size = (await fetch.keep(hash, undefined, signal)) ? await blobs.size(hash) : undefined
      if (size !== undefined) return { size, bytes: blobs.open(hash), from: (byte) => blobs.open(hash, byte) }
      if (await retention.isLost(hash)) throw retention.refusal('artifact-expired', `The file ${hash}`)
      throw new NimbusError('artifact-unknown', `The file ${hash} is on no worker that can be reached.`, {
        kind: 'missing',
        cure: 'nimbus artifact ls TASK shows the hashes; is the worker that made it running?',
      })
    },
  }
}
