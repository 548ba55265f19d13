// The queue beside its peers: tasks that do nothing, published, claimed and settled, by Nimbus on five node processes, by
// BullMQ on redis and by NATS JetStream, in turns on one machine. What is no task's work stays out: all have started, all are warm.
import { requirement } from '../../support/requirements.ts'
import { setTimeout as pause } from 'node:timers/promises'
import { cpuMs, median, nowMs, percentile, printTable } from '../figures.ts'
import { createBullmq } from './bullmq-queue.ts'
import type { Contender } from './contender.ts'
import { createNats } from './nats-queue.ts'
import { claimBuckets, claimQuantile, linkRoundTripMs } from './claim-times.ts'
import { availableMode, createNimbus } from './nimbus-queue.ts'

const NODES = 5
const RUNS = 3
const TASKS = 10_000
const WARM_UP = 2_000
/** Latency is looked at well below what any of them can do. */
const PER_SECOND = 50
const PACED = 150

type Figures = { perSecond: number[]; cpuMsPerTask: number[]; latencyMs: number[] }

export async function queue(): Promise<void> {
  const contenders: Contender[] = []
  try {
    const nimbus = await createNimbus(NODES)
    contenders.push(nimbus, availableMode(nimbus))
    contenders.push(...(await rivals()))
    const figures = new Map<Contender, Figures>(contenders.map((one) => [one, { perSecond: [], cpuMsPerTask: [], latencyMs: [] }]))
    for (const one of contenders) await one.run(WARM_UP / (one.slower ?? 1))
    const claims: number[][] = []
    for (let run = 0; run < RUNS; run++) {
      for (const one of contenders) await measureRun(one, figures.get(one) as Figures)
      for (const one of contenders) {
        const before = await claimBuckets(nimbus.mesh)
        ;(figures.get(one) as Figures).latencyMs.push(...(await paced(one)))
        if (one !== nimbus) continue
        const after = await claimBuckets(nimbus.mesh)
        claims.push([...[0.5, 0.9, 0.99].map((share) => claimQuantile(before, after, share)), await linkRoundTripMs(nimbus.mesh)])
      }
    }
    print(figures)
    printTable(
      `queue: one claim at a majority of ${NODES} keepers, ${PER_SECOND} tasks a second (ms)`,
      ['', 'p50', 'p90', 'p99', 'one link round trip'],
      [['Nimbus', ...[0, 1, 2, 3].map((column) => median(claims.map((row) => row[column] ?? Number.NaN)))]],
    )
  } finally {
    for (const one of contenders.toReversed()) await one.close()
  }
}

async function rivals(): Promise<Contender[]> {
  const [redis, nats] = [requirement('redis'), requirement('nats')]
  for (const { present, reason, install } of [redis, nats]) if (!present) console.log(`  left out: ${reason} (Debian: ${install})`)
  return [...(redis.present ? [await createBullmq('no'), await createBullmq('always')] : []), ...(nats.present ? [await createNats()] : [])]
}

async function measureRun(one: Contender, figures: Figures): Promise<void> {
  const used = async (): Promise<number> => (await cpuMs(one.pids())) + ownCpuMs()
  const beforeMs = await used()
  const startMs = nowMs()
  const tasks = TASKS / (one.slower ?? 1)
  await one.run(tasks)
  const seconds = (nowMs() - startMs) / 1000
  figures.perSecond.push(tasks / seconds)
  figures.cpuMsPerTask.push(((await used()) - beforeMs) / tasks)
}

/** The publisher works for each of them alike: it is the client. */
function ownCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Begun at a steady rate, whether or not those before are done. */
async function paced(one: Contender): Promise<number[]> {
  const under: Promise<number>[] = []
  const startMs = nowMs()
  for (let index = 0; index < PACED; index++) {
    under.push(one.one())
    await pause(Math.max(0, startMs + ((index + 1) * 1000) / PER_SECOND - nowMs()))
  }
  return Promise.all(under)
}

function print(figures: ReadonlyMap<Contender, Figures>): void {
  const [nimbus] = figures.values()
  const own = median(nimbus?.perSecond ?? [])
  printTable(
    `queue: ${TASKS} tasks that do nothing, published to settled, ${RUNS} runs in turns`,
    ['', 'tasks/s', 'min', 'max', 'Nimbus is', 'CPU ms/task'],
    [...figures].map(([{ name }, { perSecond, cpuMsPerTask }]) => [
      name,
      median(perSecond),
      Math.min(...perSecond),
      Math.max(...perSecond),
      `x${(own / median(perSecond)).toFixed(2)}`,
      median(cpuMsPerTask).toFixed(3),
    ]),
  )
  printTable(
    `queue: one task, from its publication until the publisher knows it settled, ${PER_SECOND} a second (ms)`,
    ['', 'p50', 'p90', 'p99'],
    [...figures].map(([{ name }, { latencyMs }]) => [name, ...[0.5, 0.9, 0.99].map((share) => percentile(latencyMs, share))]),
  )
}
