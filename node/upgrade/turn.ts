// Whose turn it is: the canary goes first, then one worker at a time, and only while the keepers can spare it. The turn is a value
// in a register of the mesh, so a majority has agreed to it; unlike a lock it outlives the process that holds it.
import type { PeerId } from '../../protocols/ids.ts'
import type { RegisterValue } from '../../protocols/records.ts'
import type { Turn } from '../../protocols/tasks/upgrade-records.ts'

/** A pure change of a register, as the keepers' proposer takes it. */
type Change = (current: RegisterValue) => RegisterValue | { refused: string }
type Operation = readonly [node: PeerId, epoch: number, number: number]

/** A worker that follows the same branch, as the mesh knows it. */
export type Fellow = {
  peer: PeerId
  name: string
  alive: boolean
  canary: boolean
  /** What it runs, and what its latest upgrade came to. */
  commit: string | undefined
  phase: string | undefined
  target: string | undefined
  reason: string | undefined
}
/** Phases of a worker that has not come through the version that it runs. */
const UNSETTLED: ReadonlySet<string | undefined> = new Set(['watching'])
export type Verdict = { go: true } | { go: false; why: string } | { stop: string }

/** Whether this worker may take the commit: as the canary, or after one of its fellows has come through it. */
export function canaryVerdict(self: PeerId, commit: string, fellows: readonly Fellow[]): Verdict {
  const concerned = (one: Fellow): boolean => one.peer !== self && one.target === commit
  const fallen = fellows.find((one) => concerned(one) && one.phase === 'rolled-back')
  if (fallen !== undefined) return { stop: `${fallen.name} took it and rolled back: ${fallen.reason ?? 'no reason told'}` }
  if (fellows.some((one) => one.peer !== self && one.commit === commit && !UNSETTLED.has(one.phase))) return { go: true }
  const canary = firstOf(fellows)
  if (canary === undefined || canary.peer === self) return { go: true }
  if (concerned(canary) && canary.phase === 'refused')
    return { stop: `the canary ${canary.name} refused it: ${canary.reason ?? 'no reason told'}` }
  return { go: false, why: `${canary.name} goes first` }
}

/** Those named canary first, then by peer ID: every worker comes to the same one. */
function firstOf(fellows: readonly Fellow[]): Fellow | undefined {
  const able = fellows.filter((one) => one.alive && one.phase !== 'paused')
  return able.toSorted((a, b) => Number(b.canary) - Number(a.canary) || (a.peer < b.peer ? -1 : 1))[0]
}

/** Why the keepers cannot spare this worker now; undefined where they can. */
export function seatObjection(self: PeerId, group: { seats: readonly PeerId[]; reachable: number; majority: number }): string | undefined {
  const { seats, reachable, majority } = group
  // The only keeper has nobody who could stand in for it: the mesh waits while it is away, as at any restart.
  if (!seats.includes(self) || seats.length === 1 || reachable - 1 >= majority) return undefined
  return `it is a keeper, and only ${reachable} of ${seats.length} are here: without it there would be no majority`
}

/** Versions that differ by more than one do not understand each other. */
export function skewObjection(protocol: number, members: readonly { name: string; protocol: number }[]): string | undefined {
  const far = members.find((one) => Math.abs(one.protocol - protocol) > 1)
  if (far === undefined) return undefined
  return `it speaks protocol ${protocol}, and ${far.name} speaks ${far.protocol}: only neighbours understand each other`
}

/**
 * Takes the turn. Refuses with `mine` where this worker has it already, and `taken` where another has it.
 * @param isOver proof that the holder does not need it any more
 */
export function takeTurn(turn: Turn, isOver: (held: Turn) => boolean, operation: Operation): Change {
  return (current) => {
    const held = turnOf(current)
    if (held?.node === turn.node && held.commit === turn.commit) return { refused: 'mine' }
    if (held !== undefined && held.node !== turn.node && !isOver(held)) return { refused: 'taken' }
    return withTurn({ ...current, epoch: current.epoch + 1 }, turn, operation)
  }
}

/** Gives the turn back, whatever commit it was for. Refuses with `gone` where this worker does not have it. */
export function giveTurn(node: PeerId, operation: Operation): Change {
  return (current) => (turnOf(current)?.node === node ? withTurn(current, undefined, operation) : { refused: 'gone' })
}

export function turnOf(value: RegisterValue | undefined): Turn | undefined {
  return value?.name?.turn
}

function withTurn(value: RegisterValue, turn: Turn | undefined, [node, epoch, number]: Operation): RegisterValue {
  const { turn: _before, ...name } = value.name ?? {}
  const last = [...(name.last ?? []).filter(([one]) => one !== node), [node, epoch, number] as [PeerId, number, number]].slice(-LAST_MAX)
  return { ...value, version: value.version + 1, name: { ...name, last, ...(turn === undefined ? {} : { turn }) } }
}

const LAST_MAX = 64
