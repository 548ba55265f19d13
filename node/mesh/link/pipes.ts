// Pipes: bytes both ways between two members, on a stream of their own, each side held back while the other does not read. One
// frame asks; the asked one opens or refuses by name; then pieces, until each side has ended or one has failed.
import { decode, encode } from '@ipld/dag-cbor'
import type { Stream } from '@libp2p/interface'
import * as z from 'zod'
import type { PeerId } from '../../../protocols/ids.ts'
import { FRAME_BYTES_MAX } from '../../../protocols/limits.ts'
import type { Clock } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import type { FrameStream } from './frame-stream.ts'
import { frameStream } from './frame-stream.ts'

/** Pipes of one peer that are open at once; one more is refused as busy. */
export const PIPES_PER_PEER_MAX = 16
/** Silence in both directions after which a pipe is given up: counting a large repository takes its time. */
const IDLE_TIMEOUT_MS = 600_000
const OPEN_TIMEOUT_MS = 30_000
/** Bytes of one piece: several of them fit in the window of a stream. */
const PIECE_BYTES_MAX = 128 * 1024

const FRAME = { open: 0, piece: 1, end: 2, error: 3 } as const
const failure = z.looseObject({
  code: z.string().max(64),
  message: z.string().max(1000),
  kind: z.enum(['failed', 'usage', 'missing', 'refused', 'unreachable', 'busy']).optional(),
  cure: z.string().max(500).optional(),
})

/** One end of a pipe. */
export type Pipe = {
  /** The next piece; undefined where the other side has ended. Throws what the other side failed with. */
  read(): Promise<Uint8Array | undefined>
  /** Resolves when the other side takes more. */
  write(bytes: Uint8Array): Promise<void>
  /** Nothing more will be written. */
  end(): Promise<void>
  /** Ends both directions at once. */
  abort(reason: string): void
}
/** Says whether the peer may, then what is done with the pipe. What either throws, the peer is told. */
export type PipeHandler = (peer: PeerId, body: Uint8Array, gone: AbortSignal) => Promise<(pipe: Pipe) => Promise<void>>

/** @throws NimbusError what the other side refused with, or `pipe-broken` */
export async function openPipe(stream: Stream, peer: PeerId, body: Uint8Array, clock: Pick<Clock, 'after'>): Promise<Pipe> {
  const frames = frameStream(stream, FRAME_BYTES_MAX)
  const pipe = pipeOver(frames, clock, (error) =>
    error instanceof NimbusError
      ? error
      : new NimbusError('pipe-broken', `The connection with ${peer} broke: ${messageOf(error)}.`, { kind: 'unreachable', cause: error }),
  )
  const cancel = clock.after(OPEN_TIMEOUT_MS, () => frames.abort(`no answer for ${OPEN_TIMEOUT_MS} ms`))
  try {
    await frames.write(body)
    await pipe.opened()
    return pipe
  } catch (error) {
    frames.abort('it was not opened')
    throw error
  } finally {
    cancel()
  }
}

export function createPipeServer(clock: Pick<Clock, 'after'>): {
  serve(stream: Stream, peer: PeerId, handler: PipeHandler | undefined): Promise<void>
} {
  const open = new Map<PeerId, number>()
  const answer = async (frames: FrameStream, peer: PeerId, handler: PipeHandler | undefined): Promise<void> => {
    const cancel = clock.after(OPEN_TIMEOUT_MS, () => frames.abort('no request'))
    const body = await frames.read().finally(cancel)
    if (body === undefined) return
    if (handler === undefined) throw new NimbusError('pipe-unknown', 'This node opens no pipes.', { kind: 'missing' })
    const gone = new AbortController()
    frames.onClose(() => gone.abort(new Error('the other side is gone')))
    const run = await handler(peer, body, gone.signal)
    await frames.write(Uint8Array.of(FRAME.open))
    await run(pipeOver(frames, clock, (error) => error))
    await frames.write(Uint8Array.of(FRAME.end))
  }
  return {
    async serve(stream, peer, handler) {
      const frames = frameStream(stream, FRAME_BYTES_MAX)
      const count = open.get(peer) ?? 0
      open.set(peer, count + 1)
      try {
        if (count >= PIPES_PER_PEER_MAX)
          throw new NimbusError('busy', `${PIPES_PER_PEER_MAX} pipes of this peer are open already.`, {
            kind: 'busy',
            cure: 'Try again later.',
          })
        await answer(frames, peer, handler)
      } catch (error) {
        await frames.write(errorFrame(error)).catch(() => {}) // the other side is gone
      } finally {
        const left = (open.get(peer) ?? 1) - 1
        if (left > 0) open.set(peer, left)
        else open.delete(peer)
        frames.close()
      }
    },
  }
}

function pipeOver(
  frames: FrameStream,
  clock: Pick<Clock, 'after'>,
  named: (error: unknown) => unknown,
): Pipe & { opened(): Promise<void> } {
  let over = false
  let cancelIdle = clock.after(IDLE_TIMEOUT_MS, () => {})
  const moved = (): void => {
    cancelIdle()
    cancelIdle = over ? () => {} : clock.after(IDLE_TIMEOUT_MS, () => frames.abort(`nothing moved for ${IDLE_TIMEOUT_MS} ms`))
  }
  frames.onClose(() => {
    over = true
    cancelIdle()
  })
  const next = async (): Promise<Uint8Array> => {
    const frame = await frames.read()
    moved()
    if (frame === undefined) throw new Error('the other side is gone')
    if (frame[0] === FRAME.error) throw failureOf(frame.subarray(1))
    return frame
  }
  return {
    async opened() {
      try {
        if ((await next())[0] !== FRAME.open) throw new Error('the answer is none of a pipe')
      } catch (error) {
        throw named(error)
      }
    },
    async read() {
      try {
        const frame = await next()
        if (frame[0] === FRAME.end) return undefined
        if (frame[0] !== FRAME.piece) throw new Error('a frame that has no place here')
        return frame.subarray(1)
      } catch (error) {
        throw named(error)
      }
    },
    async write(bytes) {
      try {
        for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX) {
          await frames.write(Buffer.concat([Uint8Array.of(FRAME.piece), bytes.subarray(at, at + PIECE_BYTES_MAX)]))
          moved()
        }
      } catch (error) {
        throw named(error)
      }
    },
    end: () => frames.write(Uint8Array.of(FRAME.end)).catch(() => {}), // it is gone: reading says so
    abort: (reason) => frames.abort(reason),
  }
}

function errorFrame(error: unknown): Uint8Array {
  const message = messageOf(error)
  const body =
    error instanceof NimbusError
      ? { code: error.code, message, kind: error.kind, ...(error.cure === undefined ? {} : { cure: error.cure }) }
      : { code: 'failed', message }
  return Buffer.concat([Uint8Array.of(FRAME.error), encode(body)])
}

function failureOf(body: Uint8Array): NimbusError {
  try {
    const { code, message, kind, cure } = failure.parse(decode(body))
    return new NimbusError(code, message, { ...(kind === undefined ? {} : { kind }), ...(cure === undefined ? {} : { cure }) })
  } catch {
    return new NimbusError('failed', 'The other node failed without saying why.') // a peer's bytes
  }
}
