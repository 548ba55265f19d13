// Time that counts while the machine sleeps: its boot time goes on during a suspend, its monotonic clock stands still.
// A lease that others counted down meanwhile must be over here too.

/** Both clocks tick in steps of their own; less than this is no sleep. */
const SLEEP_MS_MIN = 200
/** Reading the boot time costs some microseconds: it is read at most this often. */
const LOOK_MS = 50

/**
 * @param bootMs milliseconds since boot, sleep included; may tick coarsely
 * @param monotonicMs milliseconds since boot that stand still during sleep
 * @returns monotonic milliseconds plus all sleep since boot: the same line for all processes of the machine
 */
export function createSleeplessTime(bootMs: () => number, monotonicMs: () => number): () => number {
  let sleptMs = 0
  let lookedAtMs = -Infinity
  return () => {
    const nowMs = monotonicMs()
    if (nowMs - lookedAtMs >= LOOK_MS) {
      lookedAtMs = nowMs
      const behindMs = bootMs() - nowMs
      if (Math.abs(behindMs - sleptMs) > SLEEP_MS_MIN) sleptMs = behindMs
    }
    return nowMs + sleptMs
  }
}
