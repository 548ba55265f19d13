// Brings what a task needs from this machine to its node before the task is published: a folder, the bytes of stdin.
import { isAbsolute, join } from 'node:path'
import { BLOB_BYTES_MAX } from '../../../protocols/limits.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { formatBytes } from '../../kernel/sizes.ts'
import type { Client } from '../client.ts'
import type { Cli } from '../context.ts'
import { packFolder } from './pack-folder.ts'

type BlobRef = { hash: string; size: number }

/** @returns the request with `dir` and `stdin` where the options ask for them */
export async function shipInputs(
  cli: Cli,
  client: Client,
  request: Record<string, unknown>,
  options: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const shipped = { ...request }
  if (typeof options['dir'] === 'string') {
    const dir = isAbsolute(options['dir']) ? options['dir'] : join(cli.io.workDir, options['dir'])
    const { files, bytes, tar } = await packFolder(dir)
    cli.note(`nimbus: shipping ${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}`)
    shipped['dir'] = await client.upload<BlobRef>('/api/blobs', tar)
  }
  if (options['stdin'] === true) shipped['stdin'] = await client.upload<BlobRef>('/api/blobs', limited(cli.io.stdin))
  return shipped
}

async function* limited(source: AsyncIterable<string | Buffer>): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const piece of source) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
    size += bytes.length
    if (size > BLOB_BYTES_MAX)
      throw new NimbusError('stdin-too-large', `--stdin brings more than ${BLOB_BYTES_MAX} bytes.`, {
        kind: 'usage',
        cure: 'Put large input into a place that the task can fetch from.',
      })
    yield bytes
  }
}
