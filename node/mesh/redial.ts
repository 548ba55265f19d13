// Keeps links up: dials every known member that is not linked, again and again, each with its own capped backoff.
// It decides when; dialling itself is a port. `step()` is one round, so that a test can run it by hand.
import type { PeerId } from '../../protocols/ids.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'
import { repeat } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import { pick } from '../kernel/random.ts'

const ROUND_MS = 250
const BACKOFF_FIRST_MS = 250
/** A member that went away not long ago is tried this often: when the network comes back, the mesh shall within seconds. */
const BACKOFF_SHORT_MS = 1_000
/** After so many tries in vain, some minutes, it is tried as seldom as this. */
const SHORT_TRIES_MAX = 120
const BACKOFF_MAX_MS = 30_000
/** Dials under way at once. */
const DIALS_MAX = 4

export type RedialComponents = {
  clock: Clock
  random: Random
  log: Log
  /** Members that should be linked and have a known address, this node left out. */
  candidates(): PeerId[]
  linked(): PeerId[]
  dial(peer: PeerId): Promise<void>
}

export type Redial = {
  start(): void
  stop(): void
  /** One round: dials what is due. */
  step(): void
  /** A link ended or an address is new: try that peer soon. */
  soon(peer: PeerId): void
  /** A link came up: the network may be back for the others as well. */
  wake(): void
}

export function createRedial({ clock, random, log, candidates, linked, dial }: RedialComponents): Redial {
  const tries = new Map<PeerId, { failures: number; nextAtMs: number; dialling: boolean }>()
  let cancel: Cancel = () => {}

  const attempt = async (peer: PeerId): Promise<void> => {
    const now = tries.get(peer) ?? { failures: 0, nextAtMs: 0, dialling: false }
    now.dialling = true
    tries.set(peer, now)
    try {
      await dial(peer)
      now.failures = 0
    } catch (error) {
      const capMs = now.failures < SHORT_TRIES_MAX ? BACKOFF_SHORT_MS : BACKOFF_MAX_MS
      const backoffMs = Math.min(capMs, BACKOFF_FIRST_MS * 2 ** now.failures++)
      now.nextAtMs = clock.nowMs() + backoffMs * (0.5 + random.next())
      log.debug({ peer, failures: now.failures, reason: messageOf(error) }, 'redial failed')
    }
    now.dialling = false
  }
  const step = (): void => {
    const up = new Set(linked())
    const known = candidates()
    for (const peer of tries.keys()) if (!known.includes(peer)) tries.delete(peer)
    let free = DIALS_MAX - [...tries.values()].filter((one) => one.dialling).length
    const due = known.filter((peer) => {
      const last = tries.get(peer)
      return !up.has(peer) && last?.dialling !== true && (last?.nextAtMs ?? 0) <= clock.nowMs()
    })
    for (; free > 0 && due.length > 0; free--) {
      const peer = pick(random, due) as PeerId
      due.splice(due.indexOf(peer), 1)
      void attempt(peer)
    }
  }
  return {
    start() {
      step()
      cancel = repeat(clock, ROUND_MS, step, (error) => log.error({ reason: messageOf(error) }, 'redial round failed'))
    },
    stop: () => cancel(),
    step,
    soon(peer) {
      const last = tries.get(peer)
      // Both sides lose a link at once: the jitter lets one of them come first.
      if (last !== undefined) Object.assign(last, { failures: 0, nextAtMs: clock.nowMs() + random.next() * BACKOFF_FIRST_MS })
    },
    wake() {
      const soonMs = clock.nowMs() + random.next() * BACKOFF_FIRST_MS
      for (const one of tries.values()) one.nextAtMs = Math.min(one.nextAtMs, soonMs)
    },
  }
}
