// This node's own status: what it says of itself, when it changed, and at most so often.
import { availableParallelism, freemem, loadavg } from 'node:os'
import type { PeerId } from '../../protocols/ids.ts'
import type { Presence } from '../../protocols/presence.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'

/** Load and memory are told in steps, so that an idle node says nothing. */
const LOAD_STEP = 25
const MEMORY_STEP_MB = 512
const LOOK_MS = 5_000
/** Slots change with every task: they are told at most this often. */
const TELL_MS = 250

export type OwnPresence = {
  current(): Presence
  setState(state: Presence['state']): void
  /** A slot became free or busy. */
  changed(): void
  start(): void
  stop(): void
}

export function createOwnPresence(components: { self: PeerId; epoch: number; clock: Clock; freeSlots(): number; tell(presence: Presence): void }): OwnPresence {
  const { clock } = components
  let version = 0
  let state: Presence['state'] = 'active'
  let told = ''
  let timer: Cancel | undefined
  let looking: Cancel = () => {}

  const measure = (): Presence => ({
    t: 'presence',
    node: components.self,
    epoch: components.epoch,
    version,
    state,
    freeSlots: Math.max(0, components.freeSlots()),
    load: Math.round((loadavg()[0] ?? 0) / availableParallelism() / (LOAD_STEP / 100)) * LOAD_STEP,
    memoryFreeMb: Math.floor(freemem() / 2 ** 20 / MEMORY_STEP_MB) * MEMORY_STEP_MB,
  })
  const tell = (): void => {
    timer = undefined
    const key = JSON.stringify({ ...measure(), version: 0 })
    if (key === told) return
    told = key
    version += 1
    components.tell(measure())
  }
  const changed = (): void => {
    timer ??= clock.after(TELL_MS, tell)
  }
  const look = (): void => {
    tell()
    looking = clock.after(LOOK_MS, look)
  }
  return {
    current: measure,
    setState(next) {
      state = next
      tell()
    },
    changed,
    start: look,
    stop() {
      looking()
      timer?.()
    },
  }
}
