// What waits to be sent to one peer, in three lanes: control overtakes data, data overtakes bulk. Each lane is bounded
// by bytes; what to do at the bound is the caller's policy.
import type { Lane } from '../../../protocols/streams.ts'

/** Bytes that may wait in each lane for one peer. A full control lane means a peer that takes nothing any more. */
const LANE_BYTES_MAX: Record<Lane, number> = { control: 1024 * 1024, data: 4 * 1024 * 1024, bulk: 2 * 1024 * 1024 }
const LANES: readonly Lane[] = ['control', 'data', 'bulk']

export type LaneQueue = {
  /** False where the lane is full; the frame is not kept then. */
  push(lane: Lane, frame: Uint8Array): boolean
  /** The frames that go next, the highest lane first, at most about `bytesMax` (but at least one). */
  take(bytesMax: number): { lane: Lane; frame: Uint8Array }[]
  isEmpty(): boolean
}

export function createLaneQueue(): LaneQueue {
  const waiting: Record<Lane, Uint8Array[]> = { control: [], data: [], bulk: [] }
  const bytes: Record<Lane, number> = { control: 0, data: 0, bulk: 0 }
  return {
    push(lane, frame) {
      if (bytes[lane] + frame.length > LANE_BYTES_MAX[lane]) return false
      bytes[lane] += frame.length
      waiting[lane].push(frame)
      return true
    },
    take(bytesMax) {
      const taken: { lane: Lane; frame: Uint8Array }[] = []
      let size = 0
      for (const lane of LANES) {
        const frames = waiting[lane]
        let count = 0
        while (count < frames.length && (taken.length === 0 || size + (frames[count] as Uint8Array).length <= bytesMax)) {
          const frame = frames[count++] as Uint8Array
          size += frame.length
          taken.push({ lane, frame })
        }
        for (const frame of frames.splice(0, count)) bytes[lane] -= frame.length
        if (frames.length > 0) break
      }
      return taken
    },
    isEmpty: () => LANES.every((lane) => waiting[lane].length === 0),
  }
}
