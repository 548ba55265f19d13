// Running work across a switch of versions: what this process leaves to the next one with its guardians, and what it has taken over from
// the one before (decision 0030).
import type { Clock } from '../../kernel/clock.ts'
import { sleep } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Random } from '../../kernel/random.ts'
import type { Workspaces } from '../../repos/workspaces.ts'
import type { Runner } from '../../runner/guardian-client.ts'
import type { LeftRun, WaitingGuardian } from '../../runner/run-order.ts'
import { AWAY_MS } from '../../tasks/claims/lease-times.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { AdoptedRun, Run } from '../../tasks/execution.ts'
import type { LeftWork } from '../../tasks/work/left-work.ts'
import { readLeftWork, writeLeftWork } from '../../tasks/work/left-work.ts'
import type { ShellWork } from '../../tasks/work/shell-work.ts'
import type { HandOver } from '../lifecycle.ts'
import type { Values } from '../stored-state.ts'
import type { IssuedTokens } from '../tools/task-tokens.ts'

/** Leases that a successor can renew beside its own. */
const LEFT_TERMS_MAX = 8
const LOOK_MS = 50
const SETTLE_MS = 5_000
const SLOT = 'hand-over'

export type HandOverComponents = {
  clock: Clock
  random: Random
  log: Log
  values: Pick<Values, 'get' | 'set'>
  runner: Pick<Runner, 'leftovers' | 'takeOver' | 'handOver' | 'hear' | 'stop'>
}
type Rooms = {
  engine: Pick<Engine, 'fold' | 'execution' | 'handOver'>
  work: Pick<ShellWork, 'canBeLeft' | 'left' | 'adopt'>
  tokens: Pick<IssuedTokens, 'adopt' | 'isUnused'>
}
export type HandOverWiring = {
  /** What the process before has left. */
  runs: readonly AdoptedRun[]
  keepFolders(workspaces: Pick<Workspaces, 'keep'>): void
  /** Once the fold is read and before the queue starts. */
  adopt(rooms: Rooms): void
  /** Once the queue has started: ends of what was left are heard from now on. */
  begin(): void
  leave(rooms: Rooms): HandOver
}

type Waiting = { key: string; guardians: WaitingGuardian[] }

/** Takes over what waits for this process, or ends what an earlier one left. */
export async function createHandOver(components: HandOverComponents): Promise<HandOverWiring> {
  const { log, runner } = components
  const found = await takeOver(components)
  const works = found?.works ?? []
  if (found !== undefined) log.info({ runs: works.length }, 'work of the process before goes on')
  return {
    runs: works.map(({ task, epoch, term }) => ({ task, epoch, term })),
    keepFolders: (workspaces) => works.forEach(({ task, epoch }) => workspaces.keep(task, epoch)),
    adopt({ engine, work, tokens }) {
      for (const left of works) {
        const { task, epoch, term, attempt } = left
        const record = engine.fold.task(task)?.task
        const order = found?.runs.get(left.run)?.order
        if (record === undefined || order === undefined) {
          void runner.stop(left.run, { graceMs: 0, reason: 'its task is not known here' })
          continue
        }
        tokens.adopt(left, order.env['NIMBUS_TOKEN'] ?? '')
        work.adopt({ task, epoch, term, attempt, spec: record.spec, author: record.author }, left, order.mask ?? [])
      }
    },
    begin: () => runner.hear(),
    leave: (rooms) => (drainMs, hurry) => leave(components, rooms, drainMs, hurry),
  }
}

async function takeOver({ values, runner }: HandOverComponents): Promise<{ works: LeftWork[]; runs: Map<string, LeftRun> } | undefined> {
  const waiting = await values.get<Waiting | null>(SLOT)
  if (waiting === undefined || waiting === null) {
    await runner.leftovers()
    return undefined
  }
  // Once only: who starts after a crash of this process finds nothing that waits.
  await values.set(SLOT, null)
  const taken = await runner.takeOver(waiting)
  if (taken === undefined) {
    await runner.leftovers()
    return undefined
  }
  const runs = new Map(taken.runs.map((run) => [run.order.id, run]))
  const works = (readLeftWork(taken.note) ?? []).filter(({ run }) => runs.has(run))
  for (const id of runs.keys())
    if (!works.some(({ run }) => run === id)) await runner.stop(id, { graceMs: 0, reason: 'it is not known what it is' })
  return { works, runs }
}

async function leave(
  { clock, random, log, values, runner }: HandOverComponents,
  { engine, work, tokens }: Rooms,
  drainMs: number,
  hurry: Promise<void>,
): Promise<boolean> {
  // What has spoken to its node would find nobody; all else of a run stands still meanwhile.
  const isKept = ({ task, epoch }: Run): boolean => work.canBeLeft(task, epoch) && tokens.isUnused(task, epoch)
  const runs = (): readonly Run[] => engine.execution.runs()
  let isHurried = false
  void hurry.then(() => (isHurried = true))
  // A terminal or a service does not end by itself: these are given back.
  const isStaying = ({ task }: Run): boolean => ['terminal', 'service'].includes(engine.fold.task(task)?.task?.spec.kind ?? '')
  const startMs = clock.nowMs()
  while (!isHurried && clock.nowMs() - startMs < drainMs && !runs().every((run) => isKept(run) || isStaying(run)))
    await sleep(clock, LOOK_MS)
  const terms = new Set(
    runs()
      .filter(isKept)
      .map(({ term }) => term),
  )
  if (isHurried || terms.size === 0 || terms.size > LEFT_TERMS_MAX) return false
  const kept = await engine.handOver(AWAY_MS, isKept)
  if (kept === undefined) log.info({}, 'running work is drained: no majority of the keepers waits for the next process')
  if (kept === undefined || kept.length === 0 || isHurried) return false
  const works = kept.flatMap(({ task, epoch }) => work.left(task, epoch) ?? [])
  const key = Buffer.from(random.bytes(32)).toString('hex')
  const guardians = await runner.handOver({ ids: works.map(({ run }) => run), key, note: writeLeftWork(works), patienceMs: AWAY_MS })
  await values.set(SLOT, { key, guardians } satisfies Waiting)
  // What ended in the last moment is settled by this process.
  const settleMs = clock.nowMs()
  while (runs().some(({ phase }) => phase === 'settling') && clock.nowMs() - settleMs < SETTLE_MS) await sleep(clock, LOOK_MS)
  log.info({ runs: works.length, guardians: guardians.length }, 'work is left to the next process')
  return true
}
