// Files by hash, in memory.
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { BlobPort } from '../../../node/api/ports.ts'
import { NimbusError } from '../../../node/kernel/errors.ts'

export function createFakeFiles(): BlobPort {
  const files = new Map<string, Buffer>()
  return {
    async put(source) {
      const pieces: Uint8Array[] = []
      for await (const piece of source) pieces.push(piece)
      const bytes = Buffer.concat(pieces)
      const hash = createHash('sha256').update(bytes).digest('hex')
      files.set(hash, bytes)
      return { hash, size: bytes.length }
    },
    async open(hash) {
      const bytes = files.get(hash)
      if (bytes === undefined) throw new NimbusError('artifact-unknown', 'It is nowhere.', { kind: 'missing' })
      return { size: bytes.length, bytes: Readable.from([bytes]) }
    },
  }
}
