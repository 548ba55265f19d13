// The time that ages and countdowns are computed from: one signal, one tick a second, none while the tab is hidden.
import { type ReadonlySignal, signal } from '@preact/signals'

const TICK_MS = 1_000

export type PageClock = { now: ReadonlySignal<number>; stop(): void }

export function createPageClock(page: Document = document): PageClock {
  const now = signal(Date.now())
  const tick = () => {
    if (!page.hidden) now.value = Date.now()
  }
  const timer = setInterval(tick, TICK_MS)
  page.addEventListener('visibilitychange', tick)
  return {
    now,
    stop() {
      clearInterval(timer)
      page.removeEventListener('visibilitychange', tick)
    },
  }
}
