// One file by its hash, whole or in parts: what was cut off is gone on with, what is known is not sent again.
import { NimbusError } from '../../../kernel/errors.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import type { NodePort } from '../../ports.ts'
import type { StreamGate } from '../../streams.ts'
import { streamOf } from '../../streams.ts'

const BYTES = 'application/octet-stream'
const ONE_RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/

export function artifactRoutes(node: Pick<NodePort, 'blobs'>, gate: StreamGate): Api {
  const api = createRoutes()
  api.get(
    '/api/artifacts/:hash',
    describe({
      id: 'getArtifact',
      tag: 'files',
      summary: 'One file by its hash, from whichever node has it; takes Range and If-None-Match',
      answers: {
        200: { text: 'Its bytes', type: BYTES },
        206: { text: 'The part of it that Range asks for', type: BYTES },
        304: { text: 'It is the one that If-None-Match names' },
      },
    }),
    async (c) => {
      const leave = gate.enter()
      const gone = new AbortController()
      const end = () => {
        leave()
        gone.abort()
      }
      c.req.raw.signal.addEventListener('abort', end)
      try {
        const hash = c.req.param('hash')
        const { size, from: bytes } = await node.blobs.open(hash, gone.signal)
        // The content is the name: a strong tag, for ever.
        const etag = `"${hash}"`
        const headers = { etag, 'accept-ranges': 'bytes', 'cache-control': 'no-store' }
        if (
          c.req
            .header('if-none-match')
            ?.split(/\s*,\s*/)
            .includes(etag) === true
        ) {
          end()
          return c.body(null, 304, headers)
        }
        const whole = { from: 0, to: size - 1 }
        const isSame = [undefined, etag].includes(c.req.header('if-range'))
        const range = isSame ? rangeOf(c.req.header('range'), size) : undefined
        const { from, to } = range ?? whole
        const length = to - from + 1
        return c.body(streamOf(upTo(bytes(from), length), end), range === undefined ? 200 : 206, {
          ...headers,
          'content-type': BYTES,
          'content-length': String(length),
          ...(range === undefined ? {} : { 'content-range': `bytes ${from}-${to}/${size}` }),
        })
      } catch (error) {
        end()
        throw error
      }
    },
  )
  return api
}

/** Undefined where all of it is wanted: also for several ranges, which may be answered so. */
function rangeOf(header: string | undefined, size: number): { from: number; to: number } | undefined {
  const [, first = '', last = ''] = ONE_RANGE.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return undefined
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const to = first === '' || last === '' ? size - 1 : Math.min(size - 1, Number(last))
  if (from <= to) return { from, to }
  throw new NimbusError('range-outside', `The file has ${size} bytes; the range ${header ?? ''} lies outside of it.`, {
    kind: 'usage',
    cure: 'Ask for bytes that it has, or leave Range out.',
  })
}

async function* upTo(source: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length
  for await (const piece of source) {
    if (left <= 0) return
    yield piece.length <= left ? piece : piece.subarray(0, left)
    left -= piece.length
  }
}
