// What the benchmark of queues asks of each one that takes part, and the processes that they share.
import type { ChildProcess } from 'node:child_process'
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../support/until.ts'

export type Contender = {
  name: string
  /** Every process that works for it, the benchmark itself left out. */
  pids(): number[]
  /** It is given so many times fewer tasks than the others: it is far slower. */
  slower?: number
  /** Publishes `count` tasks that do nothing; settles when each of them is done. */
  run(count: number): Promise<void>
  /** Publishes one task. @returns milliseconds until the publisher knows that it is settled */
  one(): Promise<number>
  close(): Promise<void>
}

export type Server = { port: number; dir: string; pid: number; close(): Promise<void> }

/** Starts a server program in a folder of its own and waits until its port answers. */
export async function startServer(program: string, argsFor: (port: number, dir: string) => Promise<string[]>): Promise<Server> {
  const dir = await mkdtemp(join(tmpdir(), 'nimbus-bench-'))
  const port = await freePort()
  const child = spawn(program, await argsFor(port, dir), { stdio: ['ignore', 'ignore', 'inherit'], cwd: dir })
  await until(() => isOpen(port), { what: `${program} on port ${port}`, timeoutMs: 20_000 })
  return {
    port,
    dir,
    pid: child.pid ?? 0,
    async close() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Worker processes that say over IPC how many tasks they have done; they end with their parent. */
export type Crew = { pids(): number[]; done(): number; ready(): Promise<void>; close(): void }
export type CrewReport = { ready: true } | { done: number }

export function startCrew(file: URL, args: readonly string[], size: number): Crew {
  const counts: number[] = Array.from({ length: size }, () => 0)
  const isReady = new Set<number>()
  const children: ChildProcess[] = counts.map((_, index) => {
    const child = fork(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    child.on('message', (report: CrewReport) => {
      if ('ready' in report) isReady.add(index)
      else counts[index] = report.done
    })
    return child
  })
  return {
    pids: () => children.map((child) => child.pid ?? 0),
    done: () => counts.reduce((sum, count) => sum + count, 0),
    ready: async () => void (await until(() => isReady.size === size, { what: `${size} workers`, timeoutMs: 20_000 })),
    close: () => children.forEach((child) => child.disconnect()),
  }
}

/** In a worker: counts, and tells the parent in steps, so that telling costs next to nothing. */
export function createTally(): { add(): void; ready(): void } {
  const tell = (report: CrewReport): void => void process.send?.(report)
  let done = 0
  let told = 0
  setInterval(() => {
    if (done === told) return
    told = done
    tell({ done })
  }, 10)
  process.on('disconnect', () => process.exit(0))
  return { add: () => void done++, ready: () => tell({ ready: true }) }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}
