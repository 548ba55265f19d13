// What a simulated mesh has to live through.
import type { PlantedFault } from './world.ts'

/** `planted` builds a known mistake into every node: the checks must find it. */
export type Plan = {
  nodes: number
  tasks: number
  chaosMs: number
  faults: 'none' | 'mixed' | 'stalls'
  faultGapMaxMs: number
  workMaxMs: number
  /** Share of the tasks that outlive a partition of some seconds. */
  longShare: number
  /** Share of the tasks that run without asking keepers. */
  availableShare: number
  /** With locks, counters, and keys for one in two tasks. */
  names?: boolean
  /** Nodes that never come back: one seat, or so many that an admin has to recover the group. */
  loss?: 'seat' | 'majority'
  planted?: PlantedFault
}
export const DEFAULT_PLAN: Plan = {
  nodes: 5,
  tasks: 30,
  chaosMs: 20_000,
  faults: 'mixed',
  faultGapMaxMs: 2_900,
  workMaxMs: 4_000,
  longShare: 0.3,
  availableShare: 0.25,
}
/** A seat stays dead while another member could take its place. */
export const LOST_SEAT: Plan = { ...DEFAULT_PLAN, nodes: 6, loss: 'seat' }
/** A majority of the seats is lost for good, and the group is recovered. */
export const LOST_MAJORITY: Plan = { ...DEFAULT_PLAN, nodes: 7, tasks: 40, loss: 'majority' }
/** Faults so dense that a mistake shows within few seeds. */
export const STORM: Plan = { ...DEFAULT_PLAN, tasks: 60, faultGapMaxMs: 700 }
/** A larger mesh on a good day. */
export const CALM_TWELVE: Plan = { ...DEFAULT_PLAN, nodes: 12, tasks: 100, faults: 'none' }
/** Tasks that share keys, people who hold locks, counters. */
export const NAMED: Plan = { ...DEFAULT_PLAN, names: true, workMaxMs: 1_500, availableShare: 0 }
/** Slow links, and nodes that stand still with answers under way: what leases have to survive. */
export const STALLS: Plan = { ...DEFAULT_PLAN, tasks: 20, faults: 'stalls', faultGapMaxMs: 1_500, workMaxMs: 20_000 }

/** What CI runs: every tenth seed loses a seat, every tenth a majority. */
export function planOf(seed: number): Plan {
  return seed % 10 === 3 ? LOST_SEAT : seed % 10 === 7 ? LOST_MAJORITY : DEFAULT_PLAN
}
