// Events between the socket and the screen: applied together once a frame, however fast they come.
import { batch } from '@preact/signals'
import type { EventView } from '../../../protocols/http/views.ts'

/** Events that wait for the next paint. More than this and fetching again is cheaper than applying. */
const EVENTS_WAITING_MAX = 2_000
const PAINT_MS = 50

export type EventQueue = { push(event: EventView): void; stop(): void }

export function createEventQueue(on: { apply(event: EventView): void; overflow(): void }): EventQueue {
  let waiting: EventView[] = []
  let paint: ReturnType<typeof setTimeout> | undefined
  function flush(): void {
    paint = undefined
    const events = waiting
    waiting = []
    batch(() => events.forEach(on.apply))
  }
  return {
    push(event) {
      waiting.push(event)
      if (waiting.length > EVENTS_WAITING_MAX) {
        waiting = []
        on.overflow()
      }
      paint ??= setTimeout(flush, PAINT_MS)
    },
    stop: () => clearTimeout(paint),
  }
}
