// What the tests of the runner share: a folder, a runner over it, and what ended.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSystemClock } from '../../node/kernel/clock.ts'
import { silentLog } from '../../node/kernel/log.ts'
import { createRunner, type Runner } from '../../node/runner/guardian-client.ts'
import { readLog } from '../../node/runner/output-log.ts'
import type { RunEnd, RunOrder } from '../../node/runner/run-order.ts'
import { until } from './until.ts'

export type RunLab = {
  dir: string
  runner: Runner
  order(id: string, argv: string[], more?: Partial<RunOrder>): RunOrder
  /** Starts a run and waits for its end. */
  run(order: RunOrder): Promise<RunEnd>
  ended(id: string): Promise<RunEnd>
  output(id: string, stream?: 1 | 2 | 3): Promise<string>
  close(): Promise<void>
}

export function createRunLab(): RunLab {
  const dir = mkdtempSync(join(tmpdir(), 'nimbus-run-'))
  const runner = createRunner({ clock: createSystemClock(), log: silentLog, dataDir: dir })
  const ends = new Map<string, RunEnd>()
  runner.onEnd((end) => ends.set(end.id, end))
  const ended = async (id: string): Promise<RunEnd> => {
    await until(() => ends.has(id), { what: `the end of ${id}`, timeoutMs: 20_000 })
    return ends.get(id) as RunEnd
  }
  const logFile = (id: string): string => join(dir, 'logs', `${id}.log`)
  return {
    dir,
    runner,
    ended,
    order: (id, argv, more = {}) => ({
      id,
      argv,
      cwd: dir,
      env: { PATH: process.env['PATH'] ?? '' },
      graceMs: 500,
      logFile: logFile(id),
      logBytesMax: 1e6,
      tailBytesMax: 4096,
      ...more,
    }),
    async run(order) {
      await runner.start(order)
      return ended(order.id)
    },
    async output(id, stream = 1) {
      const parts: Uint8Array[] = []
      for await (const chunk of readLog(logFile(id), { from: 0 })) if (chunk.stream === stream) parts.push(chunk.bytes)
      return Buffer.concat(parts).toString()
    },
    async close() {
      await runner.close({ drainMs: 0 })
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Living processes (zombies do not count) whose command line holds `text`. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return pid !== process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
      } catch {
        return false // gone meanwhile
      }
    })
}
