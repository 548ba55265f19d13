// Locks held for somebody outside the mesh: for as long as it listens and this node's lease runs. It tells how long the lock is
// certain; who works under it must end when that time is over without news.
import { base32, type NameKey, type PeerId, type Term } from '../../../protocols/ids.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Random } from '../../kernel/random.ts'
import type { Lease } from '../claims/lease.ts'
import type { Names } from './names.ts'

/** `certainMs`: so long from now on nobody else can hold it. */
export type LockEvent =
  | { event: 'waiting'; holder: PeerId; sinceMs: number }
  | { event: 'held'; fence: number; certainMs: number }
  | { event: 'certain'; certainMs: number }
  | { event: 'lost'; reason: string }

export type LocksComponents = {
  clock: Clock
  random: Random
  names: Names
  lease: Pick<Lease, 'term' | 'isCurrent' | 'remainingMs' | 'wake'>
}
export type LockOrder = { waitMs: number | undefined; ttlMs: number | undefined; signal: AbortSignal }

export type Locks = {
  /** Waits for the lock and holds it until the signal fires or it is lost; it is given back however the reading ends. */
  hold(name: string, order: LockOrder): AsyncGenerator<LockEvent>
}

const LOOK_AGAIN_MS = 1_000
const TELL_MS = 500
/** Waiters do not all ask in the same moment. */
const JITTER_MS = 40
const LEASE_WAIT_MS = 3_000
/** Waiters of one name at one node: each holds a connection. */
const WAITING_MAX = 256

export function createLocks({ clock, random, names, lease }: LocksComponents): Locks {
  /** Who waits here for one name: the first asks for all, in the order in which they came. */
  const queues = new Map<NameKey, string[]>()
  const leaveQueue = (key: NameKey, what: string): void => {
    const rest = (queues.get(key) ?? []).filter((one) => one !== what)
    if (rest.length > 0) queues.set(key, rest)
    else queues.delete(key)
  }
  return {
    async *hold(name, { waitMs, ttlMs, signal }) {
      const key = `@lock/${name}` as NameKey
      const what = base32(random.bytes(10))
      const untilMs = waitMs === undefined ? Infinity : clock.nowMs() + waitMs
      let term: Term | undefined
      let told: string | undefined
      const waiting = queues.get(key) ?? []
      if (waiting.length >= WAITING_MAX) throw tooManyWait(name)
      queues.set(key, [...waiting, what])
      try {
        for (;;) {
          if (signal.aborted) return
          const holder = names.places(key)[0]
          if (holder === undefined && queues.get(key)?.[0] === what) {
            term = lease.term()
            const taken = await names.take(key, { what, term, limit: 1 })
            if ('taken' in taken && (await leaseRuns(term, signal))) {
              leaveQueue(key, what)
              yield* held(term, taken.taken, ttlMs, signal)
              return
            }
            if ('refused' in taken && taken.refused === 'names-full') throw namesFull(name)
            if ('taken' in taken) await names.give(key, { what, term })
            term = undefined
          } else if (holder !== undefined && told !== holder.what) {
            told = holder.what
            yield { event: 'waiting', holder: holder.node, sinceMs: holder.sinceMs }
          }
          if (clock.nowMs() >= untilMs) throw notInTime(name, waitMs ?? 0)
          await names.changed(key, Math.min(LOOK_AGAIN_MS, untilMs - clock.nowMs()) + random.next() * JITTER_MS, signal)
        }
      } finally {
        leaveQueue(key, what)
        if (term !== undefined) void names.give(key, { what, term })
      }
    },
  }

  /** The place is taken; it counts once a majority has renewed this node's lease. */
  async function leaseRuns(term: Term, signal: AbortSignal): Promise<boolean> {
    lease.wake()
    for (const endMs = clock.nowMs() + LEASE_WAIT_MS; clock.nowMs() < endMs && !signal.aborted; ) {
      if (!lease.isCurrent(term)) return false
      if (lease.remainingMs(term) > 0) return true
      await new Promise<void>((resolve) => clock.after(5, resolve))
    }
    return false
  }

  async function* held(term: Term, fence: number, ttlMs: number | undefined, signal: AbortSignal): AsyncGenerator<LockEvent> {
    const endMs = ttlMs === undefined ? Infinity : clock.nowMs() + ttlMs
    const certainMs = (): number => Math.floor(Math.min(lease.remainingMs(term), endMs - clock.nowMs()))
    yield { event: 'held', fence, certainMs: certainMs() }
    while (!signal.aborted) {
      const restMs = certainMs()
      if (restMs <= 0) {
        const reason = lease.remainingMs(term) > 0 ? 'its time is over' : 'this node could not renew its lease at a majority of the keepers'
        return yield { event: 'lost', reason }
      }
      yield { event: 'certain', certainMs: restMs }
      await names.changed('@lock/' as NameKey, Math.min(TELL_MS, restMs), signal)
    }
  }
}

function notInTime(name: string, waitMs: number): NimbusError {
  return new NimbusError('lock-not-free', `Lock ${name} did not become free within ${waitMs} ms.`, {
    kind: 'busy',
    cure: 'nimbus lock ls shows who holds it; wait longer with --wait D.',
  })
}

function tooManyWait(name: string): NimbusError {
  return new NimbusError('lock-crowded', `${WAITING_MAX} wait for lock ${name} at this node already.`, {
    kind: 'busy',
    cure: 'Try again later, or ask another node of the mesh.',
  })
}

function namesFull(name: string): NimbusError {
  return new NimbusError('names-full', `The keepers keep as many names as they may and take no new one: lock ${name}.`, {
    kind: 'busy',
    cure: 'Use a name that exists already: nimbus lock ls and nimbus counter ls show them.',
  })
}
