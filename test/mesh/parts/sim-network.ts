// The network of the simulator: seeded loss, delay, reordering, duplication and partitions between nodes of one process.
import type { PeerId } from '../../../protocols/ids.ts'
import type { LinkMessage } from '../../../protocols/streams.ts'
import { decodeLink, encodeLink } from '../../../protocols/streams.ts'
import type { Random } from '../../../node/kernel/random.ts'
import type { SimClock } from './sim-clock.ts'

export type Weather = { loss: number; duplicate: number; delayMs: number; jitterMs: number }
export const CALM: Weather = { loss: 0, duplicate: 0, delayMs: 1, jitterMs: 1 }

export type SimNetwork = {
  weather: Weather
  send(from: PeerId, to: PeerId, message: LinkMessage): boolean
  /** A datagram of a guardian: no link needed, lost like any packet. */
  datagram(from: PeerId, to: PeerId, deliver: () => void): void
  reaches(from: PeerId, to: PeerId): boolean
  /** Puts nodes on sides; only nodes of one side reach each other. */
  partition(sides: ReadonlyMap<PeerId, number>): void
  heal(): void
  counters: { sent: number; lost: number; duplicated: number; bytes: number }
}

export function createSimNetwork(
  clock: SimClock,
  random: Random,
  receive: (to: PeerId, from: PeerId, message: LinkMessage) => void,
): SimNetwork {
  let sides: ReadonlyMap<PeerId, number> = new Map()
  const reaches = (from: PeerId, to: PeerId): boolean => (sides.get(from) ?? 0) === (sides.get(to) ?? 0)
  const network: SimNetwork = {
    weather: CALM,
    reaches,
    counters: { sent: 0, lost: 0, duplicated: 0, bytes: 0 },
    send(from, to, message) {
      network.counters.sent += 1
      const bytes = encodeLink(message)
      network.counters.bytes += bytes.length
      const copies = random.next() < network.weather.duplicate ? 2 : 1
      network.counters.duplicated += copies - 1
      for (let copy = 0; copy < copies; copy++) {
        if (random.next() < network.weather.loss) {
          network.counters.lost += 1
          continue
        }
        clock.after(network.weather.delayMs + random.next() * network.weather.jitterMs, () => {
          if (!reaches(from, to)) return
          const decoded = decodeLink(bytes)
          if ('invalid' in decoded || 'skipped' in decoded) throw new Error(`a message of ours does not decode: ${JSON.stringify(decoded)}`)
          receive(to, from, decoded)
        })
      }
      return true
    },
    datagram(from, to, deliver) {
      if (random.next() < network.weather.loss) return
      clock.after(network.weather.delayMs + random.next() * network.weather.jitterMs, () => (reaches(from, to) ? deliver() : undefined))
    },
    partition(next) {
      sides = next
    },
    heal() {
      sides = new Map()
    },
  }
  return network
}
