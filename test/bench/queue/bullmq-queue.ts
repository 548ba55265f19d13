// BullMQ on redis-server: jobs by addBulk, worker processes that do nothing with them.
import { Queue, QueueEvents } from 'bullmq'
import { nowMs } from '../figures.ts'
import { until } from '../../support/until.ts'
import type { Contender } from './contender.ts'
import { startCrew, startServer } from './contender.ts'

/** One was the fastest of one, two and four processes on two cores: redis itself takes most of the other core. */
const WORKERS = 1
const CONCURRENCY = 50
const BATCH = 1_000
const FINISHED = { removeOnComplete: true, removeOnFail: true }

/** @param fsync `no` writes nothing to disk, `always` answers after the fsync */
export async function createBullmq(fsync: 'no' | 'always'): Promise<Contender> {
  const aof = fsync === 'no' ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', 'always']
  const redis = await startServer('redis-server', async (port, dir) => {
    return ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--loglevel', 'warning', ...aof]
  })
  const connection = { host: '127.0.0.1', port: redis.port }
  const queue = new Queue('bench', { connection })
  const events = new QueueEvents('bench', { connection })
  await events.waitUntilReady()
  const crew = startCrew(new URL('bullmq-worker.ts', import.meta.url), [String(redis.port), String(CONCURRENCY)], WORKERS)
  await crew.ready()
  const waiting = new Map<string, (atMs: number) => void>()
  events.on('completed', ({ jobId }) => {
    waiting.get(jobId)?.(nowMs())
    waiting.delete(jobId)
  })
  let last = 0
  return {
    name: fsync === 'no' ? 'BullMQ, redis without AOF' : 'BullMQ, redis with AOF always',
    pids: () => [redis.pid, ...crew.pids()],
    async run(count) {
      const before = crew.done()
      for (let from = 0; from < count; from += BATCH)
        await queue.addBulk(
          Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => ({ name: 'noop', data: { n: from + i }, opts: FINISHED })),
        )
      await until(() => crew.done() - before >= count, { what: `${count} jobs of BullMQ`, timeoutMs: 120_000, intervalMs: 5 })
    },
    async one() {
      const jobId = `one-${++last}`
      const done = new Promise<number>((resolve) => waiting.set(jobId, resolve))
      const startMs = nowMs()
      await queue.add('noop', { n: 0 }, { ...FINISHED, jobId })
      return (await done) - startMs
    },
    async close() {
      crew.close()
      await Promise.all([queue.close(), events.close()])
      await redis.close()
    },
  }
}
