// This node's own status: what it says of itself, when it changed, and at most so often. And what its machine has.
import { readdir, statfs } from 'node:fs/promises'
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os'
import type { PeerId } from '../../protocols/ids.ts'
import type { Presence } from '../../protocols/presence.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'
import type { Resources } from '../tasks/matching/resources.ts'

const MEGABYTE = 2 ** 20
/** Told in steps, so that a few written files make no new profile. */
const DISK_STEP_MB = 1024
/** Load and memory are told in steps, and again when they moved by more than one, so that a value at a step's edge says nothing. */
const LOAD_STEP = 25
const MEMORY_STEP_MB = 512
/** The machine is looked at this often, and never for an answer: asking the system costs more than all else in a status. */
const LOOK_MS = 10_000
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

export type PresenceComponents = {
  self: PeerId
  epoch: number
  clock: Clock
  freeSlots(): number
  tell(presence: Presence): void
  machine?(): Machine
  /** At most so often, where it is not the usual quarter of a second; again after `refreshMs`, although nothing has changed. */
  pace?(): { tellMs: number; refreshMs: number } | undefined
}

/** Load of the last minute in percent of all cores, and free memory. */
export type Machine = { load: number; memoryFreeMb: number }

export function createOwnPresence({ self, epoch, clock, freeSlots, tell, machine = lookAtMachine, pace }: PresenceComponents): OwnPresence {
  let version = 0
  let state: Presence['state'] = 'active'
  let told = ''
  let toldAtMs = -Infinity
  let timer: Cancel | undefined
  let looking: Cancel = () => {}
  let shown = inSteps(machine())

  const current = (): Presence => ({ t: 'presence', node: self, epoch, version, state, freeSlots: Math.max(0, freeSlots()), ...shown })
  const tellIfNew = (): void => {
    timer = undefined
    const key = JSON.stringify({ ...current(), version: 0 })
    if (key === told) return
    told = key
    toldAtMs = clock.nowMs()
    version += 1
    tell(current())
  }
  const look = (): void => {
    const seen = machine()
    if (Math.abs(seen.load - shown.load) > LOAD_STEP || Math.abs(seen.memoryFreeMb - shown.memoryFreeMb) > MEMORY_STEP_MB)
      shown = inSteps(seen)
    const sinceMs = clock.nowMs() - toldAtMs
    if (sinceMs >= (pace?.()?.refreshMs ?? Infinity)) told = ''
    if (sinceMs >= (pace?.()?.tellMs ?? 0)) tellIfNew()
    looking = clock.after(LOOK_MS, look)
  }
  return {
    current,
    setState(next) {
      state = next
      tellIfNew()
    },
    changed() {
      timer ??= clock.after(pace?.()?.tellMs ?? TELL_MS, tellIfNew)
    },
    start: look,
    stop() {
      looking()
      timer?.()
    },
  }
}

function inSteps({ load, memoryFreeMb }: Machine): Machine {
  return { load: Math.round(load / LOAD_STEP) * LOAD_STEP, memoryFreeMb: Math.floor(memoryFreeMb / MEMORY_STEP_MB) * MEMORY_STEP_MB }
}

function lookAtMachine(): Machine {
  return { load: ((loadavg()[0] ?? 0) / availableParallelism()) * 100, memoryFreeMb: freemem() / MEGABYTE }
}

/** What this machine has. @param dataDir whose disk counts: the work lies there */
export async function resourcesOf(dataDir: string): Promise<Resources> {
  const disk = await statfs(dataDir)
  const diskMb = (disk.bavail * disk.bsize) / MEGABYTE
  return {
    cpus: availableParallelism(),
    memoryMb: Math.floor(totalmem() / MEGABYTE),
    diskMb: Math.floor(diskMb / DISK_STEP_MB) * DISK_STEP_MB,
    gpus: await gpuCount(),
  }
}

async function gpuCount(): Promise<number> {
  try {
    return (await readdir('/dev')).filter((name) => /^nvidia\d+$/.test(name)).length
  } catch {
    return 0 // no such folder: not Linux
  }
}
