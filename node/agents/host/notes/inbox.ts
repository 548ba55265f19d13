// The orders that the node hands to a session host: lines appended to one file, read as they come. A file outlives both sides, so an
// order is there whoever restarts.
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { type Cancel, type Clock, repeat } from '../../../kernel/clock.ts'
import type { InboxOrder } from './host-order.ts'

const LOOK_MS = 50
/** Read at a time; a longer file takes several looks. */
const READ_BYTES_MAX = 1024 * 1024

/** Hands every order to `take`, the old ones first; a line that is cut off waits for its rest. */
export function followInbox(clock: Clock, file: string, take: (order: InboxOrder) => void, onError: (error: unknown) => void): Cancel {
  let position = 0
  let rest = Buffer.alloc(0)
  const look = (): void => {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
    if (size <= position) return
    const handle = openSync(file, 'r')
    const buffer = Buffer.alloc(Math.min(size - position, READ_BYTES_MAX))
    const read = readSync(handle, buffer, 0, buffer.length, position)
    closeSync(handle)
    position += read
    rest = Buffer.concat([rest, buffer.subarray(0, read)])
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.subarray(0, end).toString('utf8')
      rest = rest.subarray(end + 1)
      take(JSON.parse(line) as InboxOrder)
    }
  }
  look()
  return repeat(clock, LOOK_MS, look, onError)
}
