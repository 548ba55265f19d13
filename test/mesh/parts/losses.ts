// Nodes that are lost for good: a seat whose place another member has to take (promise P12), or a majority of the seats, after
// which an admin recovers the group (P13). It notes what nobody but the lost knew: that may be forgotten.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import { pick } from '../../../node/kernel/random.ts'
import { CALM } from './sim-network.ts'
import type { SimNode, World } from './world.ts'

export type Losses = {
  plan(kind: 'seat' | 'majority', atMs: number): void
  /** While a majority is being lost and recovered, nothing else goes wrong. */
  isQuiet(): boolean
  /** Tasks of which the lost ones knew more than those who go on: any promise about them but P7 may be broken. */
  forgotten: ReadonlySet<TaskId>
  isAtRest(): boolean
  violations(): string[]
}

export type LossesComponents = {
  world: World
  nodes: ReadonlyMap<PeerId, SimNode>
  acknowledged: Set<TaskId>
  /** Everybody up, awake and in good weather. */
  calmDown(): Promise<void>
}

const TRY_MS = 700

export function createLosses({ world, nodes, acknowledged, calmDown }: LossesComponents): Losses {
  const { clock, random } = world
  const forgotten = new Set<TaskId>()
  let quiet = false
  const present = (): SimNode[] => [...nodes.values()].filter((node) => node.engine !== undefined && !node.gone)
  const versions = (): Set<number> => new Set(present().map((node) => node.engine?.seats.config().version ?? 0))
  const seats = (): PeerId[] => [...(present()[0]?.engine?.seats.config().seats ?? [])]

  const loseSeat = (): void => {
    const node = pick(
      random,
      present().filter((one) => !one.paused && seats().includes(one.peer)),
    )
    if (node === undefined) return void clock.after(TRY_MS, loseSeat)
    node.gone = true
    node.crash()
    world.count('seat lost for good')
  }
  const loseMajority = async (): Promise<void> => {
    quiet = true
    await calmDown()
    // Slow links: at the moment of the loss some of it is known to the lost ones only.
    world.network.weather = { loss: 0.05, duplicate: 0, delayMs: 60, jitterMs: 200 }
    clock.after(TRY_MS, loseNow)
  }
  const loseNow = (): void => {
    const sitting = seats()
    const up = sitting.flatMap((seat) => present().find((node) => node.peer === seat) ?? [])
    // Only where all is known it can be said what was forgotten.
    if (versions().size !== 1 || up.length !== sitting.length || sitting.length < 3) return void clock.after(TRY_MS, loseNow)
    const lost = up.slice(0, Math.floor(sitting.length / 2) + 1)
    const rest = present().filter((node) => !lost.includes(node))
    noteForgotten(lost, rest)
    for (const node of lost) {
      node.gone = true
      node.crash()
    }
    clock.after(200 + random.next() * 2_000, () =>
      recover(
        rest,
        up.filter((node) => !lost.includes(node)),
      ),
    )
  }
  const recover = (rest: readonly SimNode[], left: readonly SimNode[]): void => {
    const [admin] = rest
    world.network.weather = CALM
    admin?.engine?.recoverGroup({ seats: left.map((node) => node.peer), by: 'simulator' })
    world.count('group recovered')
    quiet = false
    if (random.next() < 0.5) return
    // The machines were only switched off, and come back with what they knew.
    world.count('lost majority came back')
    for (const node of nodes.values()) {
      if (!node.gone) continue
      node.gone = false
      clock.after(1_000 + random.next() * 6_000, () => void (node.up ? undefined : node.boot().catch(world.onError)))
    }
  }
  const noteForgotten = (lost: readonly SimNode[], rest: readonly SimNode[]): void => {
    const knownOf = (id: TaskId) => rest.flatMap((node) => node.engine?.fold.task(id) ?? [])
    const most = (id: TaskId, what: 'version' | 'epoch'): number => Math.max(-1, ...knownOf(id).map(({ value }) => value[what]))
    for (const { engine } of lost) {
      for (const { id, value } of engine?.fold.tasks() ?? []) if (value.version > most(id, 'version')) forgotten.add(id)
      for (const { task, epoch } of engine?.execution.runs() ?? []) if (epoch > most(task, 'epoch')) forgotten.add(task)
    }
    for (const id of acknowledged) if (knownOf(id).every(({ task }) => task === undefined)) acknowledged.delete(id)
    world.count('forgotten tasks', forgotten.size)
  }
  const deadSeats = (): PeerId[] => seats().filter((seat) => nodes.get(seat)?.gone === true)

  return {
    plan(kind, atMs) {
      clock.after(atMs, kind === 'seat' ? loseSeat : () => void loseMajority().catch(world.onError))
    },
    isQuiet: () => quiet,
    forgotten,
    isAtRest: () => deadSeats().length === 0 && versions().size === 1,
    violations: () => [
      ...deadSeats().map((seat) => `P12: ${seat.slice(-3)} is dead for good and still has a seat`),
      ...(versions().size === 1 ? [] : [`P13: ${versions().size} versions of the seats at rest`]),
    ],
  }
}
