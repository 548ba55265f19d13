// What a crashed predecessor with the same data folder may have left: its guardian, still busy, and processes that outlived both.
// Must never kill by a bare pid: a process is known by boot, pid and start time.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, sleep } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import { createSweeper, readProcess } from './process-sweep.ts'

/** The guardian itself gives up after 8 s. */
const GUARDIAN_MS_MAX = 10_000
const SWEEP_MS_MAX = 5_000

type GuardianNote = { pid: number; bootId: string; startTicks: number }

/** Writes down which guardian serves this data folder; before its first order. */
export function noteGuardian(dataDir: string, pid: number): void {
  const note: GuardianNote = { pid, bootId: bootId(), startTicks: readProcess(pid)?.startTicks ?? 0 }
  writeFileSync(noteFile(dataDir), `${JSON.stringify(note)}\n`, { mode: 0o600 })
}

/** Settles when nothing of the predecessor is left; rejects with `processes-survived` where something cannot be ended. */
export async function endLeftovers(clock: Clock, dataDir: string, dataId: string): Promise<void> {
  const note = readNote(dataDir)
  const deadline = clock.nowMs() + GUARDIAN_MS_MAX
  while (note && isAlive(note) && clock.nowMs() < deadline) await sleep(clock, 20)
  if (note && isAlive(note)) process.kill(note.pid, 'SIGKILL')
  const survivors = await createSweeper(clock).end({ environment: `NIMBUS_DATA_ID=${dataId}`, groups: [] }, SWEEP_MS_MAX)
  if (survivors.length === 0) return
  throw new NimbusError(
    'processes-survived',
    `Work of an earlier run of this node is still alive (process ${survivors.join(', ')}), because it cannot be killed.`,
    { cure: 'End these processes by hand, or restart the machine, then start the node again.' },
  )
}

function readNote(dataDir: string): GuardianNote | undefined {
  try {
    const note: unknown = JSON.parse(readFileSync(noteFile(dataDir), 'utf8'))
    return typeof note === 'object' && note !== null && Number.isInteger((note as GuardianNote).pid) ? (note as GuardianNote) : undefined
  } catch {
    return undefined // the first start, or a note cut off by a crash: the sweep finds the work by its environment
  }
}

function isAlive(note: GuardianNote): boolean {
  if (note.pid <= 1 || note.bootId !== bootId()) return false
  const found = readProcess(note.pid)
  return found !== undefined && found.state !== 'Z' && found.startTicks === note.startTicks
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return '' // no /proc on this system: the note then names nothing that could be found alive
  }
}

function noteFile(dataDir: string): string {
  return join(dataDir, 'guardian.json')
}
