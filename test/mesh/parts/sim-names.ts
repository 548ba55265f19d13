// What a simulated mesh does with names: people who hold locks, tasks that share keys, counters. It checks promises N1 to N5 of
// decision 0006 as the mesh runs and at its rest.
import type { NameKey, PeerId, TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { Random } from '../../../node/kernel/random.ts'
import { pick } from '../../../node/kernel/random.ts'
import { addToSum } from '../../../node/tasks/names/sums.ts'
import { INITIAL_VALUE } from '../../../node/tasks/fold/fold.ts'
import type { SimNode, SimRun, World } from './world.ts'

const DOOR = 'door'
const COUNTER = '@count/visits' as NameKey
const LIMITS: Record<string, number> = { one: 1, two: 2 }

export type SimNames = {
  begin(chaosMs: number): void
  /** Keys for one in two tasks, in any order. */
  keys(): Pick<TaskSpec, 'concurrency'>
  onRun(run: SimRun): void
  /** Nobody holds or waits for anything any more. */
  atRest(): boolean
  /** At the end of all faults. */
  check(): void
}
const KEYS = ['@limit/one', '@limit/two', `@lock/${DOOR}`] as NameKey[]

/** Somebody who works under a lock until it is told that it is over, or nothing is certain any more. */
type User = { fence: number; certainUntilMs: number; over: boolean; isConnected(): boolean }

export function createSimNames(
  world: World,
  random: Random,
  nodes: ReadonlyMap<PeerId, SimNode>,
  broken: (text: string) => void,
): SimNames {
  const { clock, count } = world
  const users: User[] = []
  const running = new Map<string, Set<SimRun>>()
  const sums = { known: 0, unknown: 0 }
  let highestFence = 0

  const specOf = (task: TaskId): TaskSpec | undefined =>
    [...nodes.values()].map(({ engine }) => engine?.fold.task(task)?.task?.spec).find((spec) => spec !== undefined)

  const useLock = async (node: SimNode): Promise<void> => {
    const { engine } = node
    if (engine === undefined) return
    const gone = new AbortController()
    const user: User = { fence: 0, certainUntilMs: -Infinity, over: false, isConnected: () => node.engine === engine }
    for await (const event of engine.names.locks.hold(DOOR, { waitMs: 15_000, ttlMs: undefined, signal: gone.signal })) {
      if (event.event === 'held') {
        const other = users.find((one) => !one.over && one.isConnected() && one.certainUntilMs > clock.nowMs())
        if (other !== undefined) broken(`N1: the door is held with fence ${event.fence} and by fence ${other.fence}`)
        if (event.fence <= highestFence) broken(`N2: fence ${event.fence} after ${highestFence}`)
        highestFence = event.fence
        user.fence = event.fence
        users.push(user)
        count('lock held')
        clock.after(random.next() * 1_500, () => {
          user.over = true
          gone.abort()
        })
      }
      if (event.event === 'waiting') count('lock waited for')
      if (event.event === 'lost') {
        user.over = true
        count('lock lost')
      }
      if ('certainMs' in event) user.certainUntilMs = clock.nowMs() + event.certainMs
    }
    user.over = true
  }
  const visit = async (node: SimNode): Promise<void> => {
    const { engine } = node
    if (engine === undefined) return
    sums.unknown += 1
    const change = await engine.names.operate(COUNTER, (operation) => addToSum(1, operation), 2_000)
    if ('unreachable' in change) return count('count unknown')
    sums.unknown -= 1
    sums.known += 1
    if ('refused' in change) count('count repeated')
  }
  const someNode = (): SimNode | undefined =>
    pick(
      random,
      [...nodes.values()].filter((node) => node.up && !node.paused),
    )

  return {
    begin(chaosMs) {
      for (let i = 0; i < 40; i++) {
        clock.after(500 + random.next() * chaosMs, () => {
          const node = someNode()
          // Nobody gets the lock in time: then there is nothing to do.
          if (node !== undefined) void useLock(node).catch(() => count('lock not free'))
        })
        clock.after(500 + random.next() * chaosMs, () => {
          const node = someNode()
          if (node !== undefined) void visit(node).catch(world.onError)
        })
      }
    },
    keys() {
      const dice = random.next()
      if (dice < 0.4) return {}
      const list = Object.entries(LIMITS).map(([key, limit]) => ({ key, limit }))
      return { concurrency: dice < 0.6 ? list : dice < 0.8 ? list.toReversed() : list.slice(0, 1) }
    },
    onRun(run) {
      for (const { key, limit } of specOf(run.task)?.concurrency ?? []) {
        const now = running.get(key) ?? new Set()
        running.set(key, now)
        if (run.state !== 'running') now.delete(run)
        else if (!now.has(run)) {
          now.add(run)
          count('run under a key')
          if (now.size > limit)
            broken(
              `N1: ${now.size} runs under key ${key}, which allows ${limit}: ${[...now].map((one) => `${one.task}/${one.epoch}`).join(' ')}`,
            )
        }
      }
    },
    atRest: () =>
      [...nodes.values()].every(({ engine }) => engine !== undefined && KEYS.every((key) => engine.names.places(key).length === 0)),
    check() {
      for (const { peer, engine } of nodes.values()) {
        if (engine === undefined) continue
        for (const key of KEYS) {
          const [left] = engine.names.places(key)
          if (left !== undefined) broken(`N4: ${left.what} still holds ${key} as ${peer.slice(-3)} sees it`)
        }
        const sum = (engine.names.newest(COUNTER) ?? INITIAL_VALUE).name?.sum ?? 0
        if (sum < sums.known || sum > sums.known + sums.unknown)
          broken(`N3: ${sum} visits counted at ${peer.slice(-3)}, ${sums.known} are known and ${sums.unknown} are not`)
      }
    },
  }
}
