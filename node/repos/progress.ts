// How far a clone or fetch is, as people are told: what is done of it, bytes, how fast, how long it may still take.
import type { Clock } from '../kernel/clock.ts'
import { formatDuration } from '../kernel/durations.ts'
import { formatBytes } from '../kernel/sizes.ts'

/** A step as an engine tells it. `bytes`: received in this phase so far. */
export type FetchStep = { phase: string; loaded: number; total?: number; bytes?: number }
export type CloneProgress = {
  phase: string
  loaded: number
  total: number | undefined
  percent: number | undefined
  bytes?: number
  bytesPerSecond?: number
  remainingMs?: number
}

/** Before that a rate says nothing. */
const RATE_AFTER_MS = 300

/** Turns steps into progress; a rate is the mean of its phase. */
export function createMeter(clock: Pick<Clock, 'nowMs'>): (step: FetchStep) => CloneProgress {
  let phase = ''
  let sinceMs = 0
  return ({ phase: now, loaded, total, bytes }) => {
    if (now !== phase) {
      phase = now
      sinceMs = clock.nowMs()
    }
    const tookMs = clock.nowMs() - sinceMs
    const share = total ? Math.min(1, loaded / total) : undefined
    const isKnown = tookMs >= RATE_AFTER_MS
    return {
      phase: now,
      loaded,
      total,
      percent: share === undefined ? undefined : Math.round(share * 100),
      ...(bytes === undefined ? {} : { bytes }),
      ...(bytes === undefined || !isKnown ? {} : { bytesPerSecond: Math.round((bytes * 1000) / tookMs) }),
      ...(share === undefined || share === 0 || !isKnown ? {} : { remainingMs: Math.round((tookMs * (1 - share)) / share) }),
    }
  }
}

/** As `Receiving objects: 120 of 5000, 1.2 MB, 3.4 MB/s, 4s left`. */
export function progressText({ phase, loaded, total, bytes, bytesPerSecond, remainingMs }: CloneProgress): string {
  return [
    `${phase}: ${loaded}${total === undefined ? '' : ` of ${total}`}`,
    ...(bytes === undefined ? [] : [formatBytes(bytes)]),
    ...(bytesPerSecond === undefined ? [] : [`${formatBytes(bytesPerSecond)}/s`]),
    ...(remainingMs === undefined || remainingMs < 1000 ? [] : [`${formatDuration(remainingMs)} left`]),
  ].join(', ')
}
