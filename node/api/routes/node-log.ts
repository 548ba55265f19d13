// This node's own log file as JSON lines: its end, then what is added.
import { open } from 'node:fs/promises'
import * as z from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import { sleep } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { describe } from '../describe.ts'
import type { Api } from '../env.ts'
import { createRoutes } from '../env.ts'
import { flag, readQuery, wholeNumber } from '../input.ts'
import type { StreamGate } from '../streams.ts'
import { streamOf } from '../streams.ts'

const BYTES_MAX = 4 * 1024 * 1024
const READ_BYTES = 64 * 1024
const FOLLOW_MS = 250
const nodeLogQuery = z.strictObject({ bytes: wholeNumber(0, BYTES_MAX).default(READ_BYTES), follow: flag })

export function nodeLogRoutes(components: { clock: Clock; gate: StreamGate }, logFile: string): Api {
  const api = createRoutes()
  const answers = { 200: { text: 'JSON lines', type: 'application/x-ndjson' } }
  api.get(
    '/api/logs',
    describe({ id: 'getNodeLog', tag: 'watching', summary: 'The end of this node’s own log', query: nodeLogQuery, answers }),
    (c) => {
      const { bytes, follow } = readQuery(c, nodeLogQuery)
      const leave = components.gate.enter()
      const gone = new AbortController()
      const end = () => {
        leave()
        gone.abort()
      }
      return c.body(streamOf(tail(logFile, bytes, follow ? components.clock : undefined, gone.signal), end), 200, {
        'content-type': 'application/x-ndjson',
        'cache-control': 'no-store',
      })
    },
  )
  return api
}

/** Whole lines of the last `bytes` of a file, then, with a clock, what is added until `gone`. */
async function* tail(file: string, bytes: number, clock: Clock | undefined, gone: AbortSignal): AsyncGenerator<Uint8Array> {
  await using handle = await open(file, 'r').catch((error: unknown) => {
    throw new NimbusError('log-missing', `The log ${file} cannot be read.`, {
      kind: 'missing',
      cure: 'Look into its data folder: did something remove the file?',
      cause: error,
    })
  })
  let position = Math.max(0, (await handle.stat()).size - bytes)
  let inLine = position > 0 // the first line is cut: it is left out
  while (!gone.aborted) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, position)
    position += bytesRead
    if (bytesRead === 0 && clock === undefined) return
    if (bytesRead === 0 && clock !== undefined) await sleep(clock, FOLLOW_MS)
    let piece = buffer.subarray(0, bytesRead)
    if (inLine) {
      const lineEnd = piece.indexOf(10)
      inLine = lineEnd < 0
      piece = inLine ? piece.subarray(0, 0) : piece.subarray(lineEnd + 1)
    }
    if (piece.length > 0) yield piece
  }
}
