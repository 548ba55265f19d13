// A worker process of BullMQ, started by the benchmark with the port of redis and how many jobs it does at once.
import { Worker } from 'bullmq'
import { createTally } from './contender.ts'

const [port, concurrency] = process.argv.slice(2).map(Number)
const tally = createTally()
const worker = new Worker('bench', async () => {}, { connection: { host: '127.0.0.1', port: port ?? 0 }, concurrency: concurrency ?? 1 })
worker.on('completed', tally.add)
await worker.waitUntilReady()
tally.ready()
