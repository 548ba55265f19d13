// Counts what crosses the mesh host, for metrics. It never looks into what it counts.
import type { Lane } from '../../protocols/streams.ts'

export type Traffic = {
  framesOut: Record<Lane, number>
  bytesOut: Record<Lane, number>
  framesIn: number
  bytesIn: number
  announcementsIn: number
  announcementsOut: number
  /** Frames that `send` did not take because their lane was full. */
  framesHeldBack: number
}

export function createTraffic(): Traffic {
  const lanes = (): Record<Lane, number> => ({ control: 0, data: 0, bulk: 0 })
  return { framesOut: lanes(), bytesOut: lanes(), framesIn: 0, bytesIn: 0, announcementsIn: 0, announcementsOut: 0, framesHeldBack: 0 }
}
