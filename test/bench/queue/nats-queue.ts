// NATS JetStream: a work-queue stream in files, messages published and acknowledged, pull consumers that ack each.
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nowMs } from '../figures.ts'
import { until } from '../../support/until.ts'
import type { Contender } from './contender.ts'
import { startCrew, startServer } from './contender.ts'

/** Of one, two and four equally fast processes, the cheapest. */
const WORKERS = 1
const IN_FLIGHT = 500
export const STREAM = 'bench'
export const DURABLE = 'workers'
/** A worker answers here for a message that wants to be told when it is done. */
export const DONE = 'bench-done'

export async function createNats(): Promise<Contender> {
  const server = await startServer('nats-server', async (port, dir) => {
    const file = join(dir, 'nats.conf')
    await writeFile(file, `listen: 127.0.0.1:${port}\njetstream { store_dir: "${dir}/store" }\nlogfile: "${dir}/nats.log"\n`)
    return ['-c', file]
  })
  const connection = await connect({ servers: `127.0.0.1:${server.port}` })
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: STREAM, subjects: ['work.*'], storage: StorageType.File, retention: RetentionPolicy.Workqueue })
  await manager.consumers.add(STREAM, { durable_name: DURABLE, ack_policy: AckPolicy.Explicit, max_ack_pending: 20_000 })
  const stream = jetstream(connection)
  const crew = startCrew(new URL('nats-worker.ts', import.meta.url), [String(server.port)], WORKERS)
  await crew.ready()
  const waiting = new Map<string, (atMs: number) => void>()
  connection.subscribe(DONE, {
    callback: (_, message) => {
      waiting.get(message.string())?.(nowMs())
      waiting.delete(message.string())
    },
  })
  let last = 0
  return {
    name: 'NATS JetStream, files (fsync every 2 minutes)',
    pids: () => [server.pid, ...crew.pids()],
    async run(count) {
      const before = crew.done()
      for (let from = 0; from < count; from += IN_FLIGHT)
        await Promise.all(
          Array.from({ length: Math.min(IN_FLIGHT, count - from) }, (_, i) => stream.publish('work.many', `{"n":${from + i}}`)),
        )
      await until(() => crew.done() - before >= count, { what: `${count} messages of JetStream`, timeoutMs: 120_000, intervalMs: 5 })
      const isEmpty = async (): Promise<boolean> => (await manager.streams.info(STREAM)).state.messages === 0
      await until(isEmpty, { what: 'a stream whose messages are all acknowledged', timeoutMs: 30_000, intervalMs: 5 })
    },
    async one() {
      const id = String(++last)
      const startMs = nowMs()
      const done = new Promise<number>((resolve) => waiting.set(id, resolve))
      await stream.publish('work.one', id)
      return (await done) - startMs
    },
    async close() {
      crew.close()
      await connection.close()
      await server.close()
    },
  }
}
