// Locks that the node holds for callers that come and go, as the calls of a tool do: each belongs to an owner, ends with its time or
// its owner, and is given back then. Below it is the hold of the mesh with its lease: should this node die, the lock comes free.
import type { LockEventView } from '../../../protocols/http/names.ts'
import type { HeldLock } from '../../../protocols/agents/held-locks.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'

/** Locks of one owner, and of all. */
const OWN_MAX = 16
const ALL_MAX = 1_000

export type HeldLocks = {
  /** @param waitMs 0 looks once. Taken again by its owner, it is held for the new time. */
  take(owner: string, name: string, order: { waitMs: number; ttlMs: number; signal: AbortSignal }): Promise<HeldLock>
  /** @returns whether the owner held it */
  release(owner: string, name: string): Promise<boolean>
  /** Gives back all that it holds. */
  endOf(owner: string): void
}

type Hold = { owner: string; fence: number; end(): void; over: Promise<void>; untilMs: number; cancelTimer(): void }

export function createHeldLocks(components: {
  clock: Clock
  hold(name: string, order: { waitMs: number | undefined; ttlMs: number | undefined; signal: AbortSignal }): AsyncIterable<LockEventView>
  onError(error: unknown): void
}): HeldLocks {
  const { clock } = components
  const holds = new Map<string, Hold>()
  const keyOf = (owner: string, name: string): string => `${owner}\0${name}`
  const expire = (hold: Hold, ttlMs: number): void => {
    hold.cancelTimer()
    hold.untilMs = clock.nowMs() + ttlMs
    hold.cancelTimer = clock.after(ttlMs, hold.end)
  }

  return {
    async take(owner, name, { waitMs, ttlMs, signal }) {
      const key = keyOf(owner, name)
      const known = holds.get(key)
      if (known !== undefined) {
        expire(known, ttlMs)
        return { held: true, fence: known.fence, holdSeconds: ttlMs / 1000 }
      }
      assertRoom(holds, owner)
      const gone = new AbortController()
      const end = (): void => gone.abort()
      signal.addEventListener('abort', end)
      const events = components.hold(name, { waitMs, ttlMs: undefined, signal: gone.signal })[Symbol.asyncIterator]()
      try {
        let holder: string | undefined
        for (;;) {
          const next = await events.next()
          if (next.done === true) return { held: false, ...(holder === undefined ? {} : { holder }) }
          if (next.value.event === 'waiting') holder = next.value.holderName
          if (next.value.event !== 'held') continue
          const hold: Hold = { owner, fence: next.value.fence, end, over: Promise.resolve(), untilMs: 0, cancelTimer: () => {} }
          expire(hold, ttlMs)
          holds.set(key, hold)
          hold.over = untilLost(events)
            .catch(components.onError)
            .finally(() => {
              hold.cancelTimer()
              holds.delete(key)
            })
          return { held: true, fence: hold.fence, holdSeconds: ttlMs / 1000 }
        }
      } catch (error) {
        if (error instanceof NimbusError && error.code === 'lock-not-free') return { held: false }
        throw error
      } finally {
        // From here on the caller's going away ends nothing: it holds until it says so.
        signal.removeEventListener('abort', end)
      }
    },
    async release(owner, name) {
      const hold = holds.get(keyOf(owner, name))
      hold?.end()
      await hold?.over
      return hold !== undefined
    },
    endOf(owner) {
      for (const hold of holds.values()) if (hold.owner === owner) hold.end()
    },
  }
}

async function untilLost(events: AsyncIterator<LockEventView>): Promise<void> {
  for (;;) {
    const next = await events.next()
    if (next.done === true || next.value.event === 'lost') return
  }
}

function assertRoom(holds: ReadonlyMap<string, Hold>, owner: string): void {
  const own = [...holds.values()].filter((hold) => hold.owner === owner).length
  if (own < OWN_MAX && holds.size < ALL_MAX) return
  throw new NimbusError(
    'too-many-locks',
    `${own} locks are held here for this session, ${holds.size} in all; ${OWN_MAX} and ${ALL_MAX} are the limits.`,
    {
      kind: 'refused',
      cure: 'Release one that is not needed any more.',
    },
  )
}
