// Long answers: pulled by the client, so that a slow one holds back the source instead of filling memory, and ended
// when the client goes. Their number is limited.
import type { Cancel, Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'

/** Open logs and event streams of one node: each holds a socket and a reader of the mesh. */
const STREAMS_MAX = 256

export type StreamGate = { enter(): () => void }

/** @returns `enter`, which throws `busy` beyond the limit and gives what frees the place; safe to call twice */
export function createStreamGate(max: number = STREAMS_MAX): StreamGate {
  let open = 0
  return {
    enter() {
      if (open >= max)
        throw new NimbusError('busy', `${max} logs and event streams are open on this node already.`, {
          kind: 'busy',
          cure: 'Close some of them, or ask another node of the mesh.',
        })
      open++
      let left = false
      return () => {
        if (!left) open--
        left = true
      }
    },
  }
}

/**
 * Gives `source` out as bytes, one item a pull.
 * @param onEnd called once, when the source ended, failed, or the client went
 */
export function streamOf(source: AsyncIterable<string | Uint8Array>, onEnd: () => void): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await iterator.next()
          const bytes = typeof next.value === 'string' ? encoder.encode(next.value) : next.value
          if (next.done !== true) return controller.enqueue(bytes)
          onEnd()
          controller.close()
        } catch (error) {
          onEnd()
          controller.error(error) // cuts the connection: the client sees that the answer is not whole
        }
      },
      cancel() {
        onEnd()
        void iterator.return?.() // lets the source close what it holds
      },
    },
    { highWaterMark: 0 },
  )
}

/** Passes `source` on and puts `beat` between its items whenever nothing came for `periodMs`. */
export async function* withHeartbeat<Item, Beat>(
  source: AsyncIterable<Item>,
  beat: Beat,
  clock: Clock,
  periodMs: number,
): AsyncGenerator<Item | Beat> {
  const iterator = source[Symbol.asyncIterator]()
  let pending = iterator.next()
  try {
    for (;;) {
      let cancel: Cancel = () => {}
      const idle = new Promise<'idle'>((resolve) => {
        cancel = clock.after(periodMs, () => resolve('idle'))
      })
      const next = await Promise.race([pending, idle]).finally(() => cancel())
      if (next === 'idle') {
        yield beat
        continue
      }
      if (next.done === true) return
      yield next.value
      pending = iterator.next()
    }
  } finally {
    void iterator.return?.()
  }
}
