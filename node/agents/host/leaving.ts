// A session that another worker goes on with ends here between two calls of its tools, where it can. Its turn stays open: there it is
// gone on with as after a restart.
import type { Cancel, Clock } from '../../kernel/clock.ts'

/** How long it waits for a call to end. */
const LEAVE_MS_MAX = 60_000

export type Leaving = {
  /** @param isFree nothing has to end first */
  order(isFree: boolean): void
  /** A call has ended, or a turn. True where it leaves now. */
  isTime(): boolean
  stop(): void
}

export function createLeaving(clock: Clock, leave: () => void): Leaving {
  let ordered = false
  let cancel: Cancel = () => {}
  return {
    order(isFree) {
      ordered = true
      if (isFree) leave()
      else cancel = clock.after(LEAVE_MS_MAX, leave)
    },
    isTime() {
      if (ordered) leave()
      return ordered
    },
    stop: () => cancel(),
  }
}
