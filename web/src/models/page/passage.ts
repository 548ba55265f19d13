// How a page outlives the node that served it: it holds one-time passes to other nodes, and goes on there, at the same
// place and behind the same event, when its own node is gone.
import { type ReadonlySignal, computed, effect, signal } from '@preact/signals'
import type { PassView } from '../../../../protocols/web/passes.ts'
import { ApiError } from '../../transport/api-error.ts'
import type { StreamState } from '../../transport/transport.ts'

/** Well within the life of a pass, also where a hidden tab has one timer a minute. */
const RENEW_MS = 60_000
/** After a change of the workers: several join or leave together. */
const RENEW_SOON_MS = 500
/** A node that is only restarted for a moment keeps its pages. */
const PATIENCE_MS = 900
const LOOK_AGAIN_MS = 500
/** A browser that is on its way is not sent to a third node. */
const LEAVING_MS = 10_000

type Held = PassView & { until: number }
export type Passage = {
  /** Another node that is there for this page, while its own is not and the person is in the middle of something. */
  offered: ReadonlySignal<{ name: string; go(): void } | undefined>
  stop(): void
}

export function createPassage(parts: {
  passes(): Promise<readonly PassView[]>
  alive(): Promise<void>
  stream: ReadonlySignal<StreamState>
  /** Changes when other workers are there. */
  workers: ReadonlySignal<string>
  isAlive(worker: string): boolean
  cursor(): string
  /** The address of this page without its origin. */
  place(): string
  /** Leaving now would lose what is typed. */
  isBusy(): boolean
  leave(url: string): void
}): Passage {
  const offered = signal<{ name: string; go(): void } | undefined>(undefined)
  let held: Held[] = []
  let leavingUntil = 0
  let renewing: ReturnType<typeof setTimeout> | undefined
  let looking: ReturnType<typeof setTimeout> | undefined

  async function renew(): Promise<void> {
    clearTimeout(renewing)
    renewing = setTimeout(() => void renew(), RENEW_MS)
    try {
      held = (await parts.passes()).map((pass) => ({ ...pass, until: Date.now() + pass.lifeMs }))
    } catch {
      // The node is gone or has no time: what is held stays good until its own end.
    }
  }

  function go(pass: Held): void {
    const query = new URLSearchParams({ next: parts.place(), since: parts.cursor() })
    held = held.filter((one) => one !== pass)
    leavingUntil = Date.now() + LEAVING_MS
    parts.leave(`${pass.url}&${query}`)
  }

  async function look(): Promise<void> {
    if (parts.stream.peek().kind !== 'reconnecting') return
    looking = setTimeout(() => void look(), LOOK_AGAIN_MS)
    try {
      await parts.alive()
    } catch (thrown) {
      // Whoever answers with a refusal is there.
      if (thrown instanceof ApiError && thrown.status > 0) return
      const [pass] = held
        .filter(({ until }) => until > Date.now())
        .sort((one, two) => Number(parts.isAlive(two.worker)) - Number(parts.isAlive(one.worker)))
      if (pass === undefined || Date.now() < leavingUntil || parts.stream.peek().kind !== 'reconnecting') return
      if (parts.isBusy()) offered.value = { name: pass.workerName, go: () => go(pass) }
      else go(pass)
    }
  }

  // Each try to connect is a state of its own; the patience counts from the loss.
  const liveness = computed(() => parts.stream.value.kind)
  const stops = [
    effect(() => {
      const kind = liveness.value
      clearTimeout(looking)
      if (kind !== 'reconnecting') offered.value = undefined
      if (kind === 'live') void renew()
      if (kind === 'reconnecting') looking = setTimeout(() => void look(), PATIENCE_MS)
    }),
    effect(() => {
      const anybody = parts.workers.value !== ''
      clearTimeout(renewing)
      if (anybody) renewing = setTimeout(() => void renew(), RENEW_SOON_MS)
    }),
  ]
  return {
    offered,
    stop() {
      for (const stop of stops) stop()
      clearTimeout(renewing)
      clearTimeout(looking)
    },
  }
}

/** What a page that came with a pass brought along; its address becomes that of the place where it was. */
export function arrive(view: Pick<Window, 'location' | 'history'>): { since: string; arrived: boolean } {
  const query = new URLSearchParams(view.location.search)
  if (view.location.pathname !== '/sign-in' || !query.has('since')) return { since: '', arrived: false }
  const next = query.get('next') ?? '/'
  // Only a path of this dashboard: what the address of a page says is not to be trusted.
  view.history.replaceState(null, '', /^\/(?![/\\])/.test(next) ? next : '/')
  return { since: query.get('since') ?? '', arrived: true }
}
