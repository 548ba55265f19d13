// Which process of a service answers now, who waits for one, and how many requests each still answers.
import type { Server } from 'node:net'
import type { Clock } from '../../kernel/clock.ts'

/** Where requests go, and who is still busy. */
export type Route = {
  /** The live process, another one than `butNot`, which was not there; undefined where there was none for so long that nobody should wait any more. */
  target(butNot?: number): Promise<number | undefined>
  /** A request is under way to this port until what comes back is called. */
  enter(port: number): () => void
}

/** One protocol of a door. */
export type Front = {
  server: Server
  /** Kept connections end with the answer that is under way. */
  retire(): void
  /** All connections end now. */
  cut(): void
}

/** How long a request waits for a process to be there, and how many may. */
const WAIT_MS = 10_000
const WAITING_MAX = 512

export type Traffic = Route & { lead(port: number | undefined): Promise<void> }

export function createTraffic(clock: Clock): Traffic {
  let port: number | undefined
  const busy = new Map<number, number>()
  const idle = new Map<number, PromiseWithResolvers<void>>()
  const waiting = new Set<(port: number | undefined) => void>()
  const leave = (from: number): void => {
    const left = (busy.get(from) ?? 1) - 1
    if (left > 0) return void busy.set(from, left)
    busy.delete(from)
    idle.get(from)?.resolve()
    idle.delete(from)
  }
  return {
    target(butNot) {
      if (port !== undefined && port !== butNot) return Promise.resolve(port)
      if (waiting.size >= WAITING_MAX) return Promise.resolve(undefined)
      return new Promise((resolve) => {
        const settle = (found: number | undefined): void => {
          cancel()
          waiting.delete(settle)
          resolve(found)
        }
        const cancel = clock.after(WAIT_MS, () => settle(undefined))
        waiting.add(settle)
      })
    },
    enter(to) {
      busy.set(to, (busy.get(to) ?? 0) + 1)
      let left = false
      return () => {
        if (!left) leave(to)
        left = true
      }
    },
    lead(next) {
      const before = port
      port = next
      if (next !== undefined) for (const settle of waiting) settle(next)
      if (before === undefined || before === next || !busy.has(before)) return Promise.resolve()
      const empty = idle.get(before) ?? Promise.withResolvers<void>()
      idle.set(before, empty)
      return empty.promise
    },
  }
}
