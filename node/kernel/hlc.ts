// Hybrid logical clock: wall milliseconds times 1024 plus a counter, in one safe integer.
import type { Clock } from './clock.ts'

const TICKS_PER_MS = 1024

export type Hlc = {
  /** The next reading; greater than every reading given or witnessed before. */
  next(): number
  /** Takes note of a reading that came from elsewhere. */
  witness(reading: number): void
}

export function createHlc(clock: Pick<Clock, 'wallMs'>): Hlc {
  let last = 0
  return {
    next() {
      last = Math.max(last + 1, clock.wallMs() * TICKS_PER_MS)
      return last
    },
    witness(reading) {
      if (reading > last) last = reading
    },
  }
}

export function hlcToMs(reading: number): number {
  return Math.floor(reading / TICKS_PER_MS)
}
