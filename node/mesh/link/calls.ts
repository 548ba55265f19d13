// Calls: one request frame, a streamed answer, each on a stream of its own with real back-pressure: the answerer is
// asked for its next piece only when the caller's stream takes more. A call always ends: by its end, an error, or time.
import { decode, encode } from '@ipld/dag-cbor'
import type { Stream } from '@libp2p/interface'
import * as z from 'zod'
import type { PeerId } from '../../../protocols/ids.ts'
import { FRAME_BYTES_MAX } from '../../../protocols/limits.ts'
import type { Clock } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import type { FrameStream } from './frame-stream.ts'
import { frameStream } from './frame-stream.ts'

/** Calls of one peer that are answered at once; one more is refused as busy. */
export const CALLS_PER_PEER_MAX = 16
/** Silence after which a call is given up, unless the caller says otherwise. */
const IDLE_TIMEOUT_MS = 30_000
/** One frame and its tag. */
const CALL_FRAME_BYTES_MAX = FRAME_BYTES_MAX + 1

const ANSWER = { piece: 1, end: 2, error: 3 } as const
const failure = z.looseObject({ code: z.string().max(64), message: z.string().max(1000) })

export type CallOptions = { signal?: AbortSignal; timeoutMs?: number }
export type CallHandler = (peer: PeerId, body: Uint8Array, signal: AbortSignal) => AsyncIterable<Uint8Array>

export async function* callOver(
  stream: Stream,
  peer: PeerId,
  body: Uint8Array,
  options: CallOptions,
  clock: Pick<Clock, 'after'>,
): AsyncIterable<Uint8Array> {
  const frames = frameStream(stream, CALL_FRAME_BYTES_MAX)
  const idleMs = options.timeoutMs ?? IDLE_TIMEOUT_MS
  const onAbort = (): void => frames.abort('the caller gave up')
  options.signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await frames.write(body)
    for (;;) {
      const cancel = clock.after(idleMs, () => frames.abort(`no answer for ${idleMs} ms`))
      const frame = await frames.read().finally(cancel)
      if (frame?.[0] === ANSWER.end) return
      if (frame?.[0] === ANSWER.error) throw failureOf(frame.subarray(1))
      if (frame?.[0] !== ANSWER.piece) throw new Error('the answer ended early')
      yield frame.subarray(1)
    }
  } catch (error) {
    if (error instanceof NimbusError) throw error
    options.signal?.throwIfAborted()
    throw new NimbusError('call-broken', `The call to ${peer} ended early: ${messageOf(error)}.`, { kind: 'unreachable', cause: error })
  } finally {
    options.signal?.removeEventListener('abort', onAbort)
    frames.abort('the call is over') // where it ended well both sides are done, and this frees the stream at once
  }
}

/** Answers the calls of peers through `handler`; a handler's error goes to the caller as code and message. */
export function createCallServer(clock: Pick<Clock, 'after'>): {
  serve(stream: Stream, peer: PeerId, handler: CallHandler | undefined): Promise<void>
} {
  const underWay = new Map<PeerId, number>()

  const answer = async (frames: FrameStream, peer: PeerId, handler: CallHandler | undefined): Promise<void> => {
    const cancel = clock.after(IDLE_TIMEOUT_MS, () => frames.abort('no request'))
    const body = await frames.read().finally(cancel)
    if (body === undefined) return
    if (handler === undefined) throw new NimbusError('call-unknown', 'This node answers no calls.', { kind: 'missing' })
    const gone = new AbortController()
    frames.onClose(() => gone.abort(new Error('the caller is gone')))
    for await (const piece of handler(peer, body, gone.signal)) {
      if (gone.signal.aborted) return
      await frames.write(answerFrame(ANSWER.piece, piece))
    }
    await frames.write(answerFrame(ANSWER.end))
  }

  return {
    async serve(stream, peer, handler) {
      const frames = frameStream(stream, CALL_FRAME_BYTES_MAX)
      const count = underWay.get(peer) ?? 0
      underWay.set(peer, count + 1)
      try {
        if (count >= CALLS_PER_PEER_MAX)
          throw new NimbusError('busy', `Already answering ${CALLS_PER_PEER_MAX} calls of this peer.`, { kind: 'busy' })
        await answer(frames, peer, handler)
      } catch (error) {
        const code = error instanceof NimbusError ? error.code : 'failed'
        await frames.write(answerFrame(ANSWER.error, encode({ code, message: messageOf(error) }))).catch(() => {}) // the caller is gone
      } finally {
        const left = (underWay.get(peer) ?? 1) - 1
        if (left > 0) underWay.set(peer, left)
        else underWay.delete(peer)
        frames.close()
      }
    },
  }
}

function answerFrame(kind: number, body: Uint8Array = new Uint8Array()): Uint8Array {
  return Buffer.concat([Uint8Array.of(kind), body])
}

function failureOf(body: Uint8Array): NimbusError {
  try {
    const { code, message } = failure.parse(decode(body))
    return new NimbusError(code, message)
  } catch {
    return new NimbusError('failed', 'The other node failed without saying why.') // a peer's bytes
  }
}
