// What a machine has against what a task asks for: totals decide who may ever run it, what running tasks reserve decides who may now.
// Pure; the wanted amounts are reservations, not limits on the processes.
import type { TaskSpec } from '../../../protocols/records.ts'

export type Resources = { cpus: number; memoryMb: number; diskMb: number; gpus: number }
/** Of one worker: all that it has, and what no running task has reserved. */
export type ResourceOffer = { total: Resources; unreserved: Resources; freeMemoryMb: number }
type Wanted = NonNullable<TaskSpec['resources']>

const KINDS = ['cpus', 'memoryMb', 'diskMb', 'gpus'] as const
const WORDS: Record<(typeof KINDS)[number], { code: string; unit: string; option: string; grow: string }> = {
  cpus: { code: 'cpus', unit: 'CPUs', option: '--cpus', grow: 'start a worker on a machine with more CPUs' },
  memoryMb: { code: 'memory', unit: 'MB of memory', option: '--memory', grow: 'start a worker on a machine with more memory' },
  diskMb: { code: 'disk', unit: 'MB of disk', option: '--disk', grow: 'start a worker on a machine with more disk' },
  gpus: { code: 'gpus', unit: 'GPUs', option: '--gpus', grow: 'start a worker on a machine with more GPUs' },
}
/** Codes of mismatches, from the hardest to cure to the easiest. */
export const RESOURCE_CODES = ['cpus', 'gpus', 'memory', 'disk', 'free-memory'] as const

/** Why this worker can never run it, or cannot while so little memory is free. A worker of unknown size is taken at its word. */
export function resourceMismatch(
  wanted: Wanted | undefined,
  offer: ResourceOffer | undefined,
): { code: string; message: string; cure: string } | undefined {
  if (wanted === undefined || offer === undefined) return undefined
  for (const kind of KINDS) {
    const { code, unit, option, grow } = WORDS[kind]
    const need = wanted[kind] ?? 0
    if (need > offer.total[kind])
      return { code, message: `it has ${offer.total[kind]} ${unit}, ${need} are needed`, cure: `${grow}, or ask for less with ${option}` }
  }
  const free = wanted.freeMemoryMb ?? 0
  if (free <= offer.freeMemoryMb) return undefined
  return {
    code: 'free-memory',
    message: `${offer.freeMemoryMb} MB of its memory are free, ${free} are needed`,
    cure: 'wait until memory is free, or ask for less with --free-memory',
  }
}

/** Whether what running tasks have left is enough. */
export function hasRoom(wanted: Wanted | undefined, unreserved: Resources | undefined): boolean {
  return wanted === undefined || unreserved === undefined || KINDS.every((kind) => (wanted[kind] ?? 0) <= unreserved[kind])
}

export function unreservedOf(total: Resources, running: Iterable<Wanted | undefined>): Resources {
  const left = { ...total }
  for (const wanted of running) for (const kind of KINDS) left[kind] -= wanted?.[kind] ?? 0
  return left
}
