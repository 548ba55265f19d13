// Tells slow from hung: a turn that is open and silent is said to be silent at half its time, and hung at the end of it.
import type { Cancel, Clock } from '../../kernel/clock.ts'

export type Silence = { heard(): void; stop(): void }

/** An agent says every 30 s that a tool still runs. */
const SILENT_MS = 10 * 60_000
const LOOKS = 20
const LOOK_MS_MAX = 5_000

export function createSilence(
  clock: Clock,
  limitMs: number | undefined,
  ports: { isOpen(): boolean; onSilent(silentMs: number): void; onHung(silentMs: number): void },
): Silence {
  const maxMs = limitMs ?? SILENT_MS
  let heardMs = clock.nowMs()
  let said = false
  const periodMs = Math.min(LOOK_MS_MAX, Math.max(10, maxMs / LOOKS))
  let cancel: Cancel = () => {}
  const look = (): void => {
    cancel = clock.after(periodMs, look)
    if (!ports.isOpen()) {
      heardMs = clock.nowMs()
      return
    }
    const silentMs = Math.round(clock.nowMs() - heardMs)
    if (silentMs >= maxMs) return ports.onHung(silentMs)
    if (silentMs < maxMs / 2 || said) return
    said = true
    ports.onSilent(silentMs)
  }
  cancel = clock.after(periodMs, look)
  return {
    heard() {
      heardMs = clock.nowMs()
      said = false
    },
    stop: () => cancel(),
  }
}
