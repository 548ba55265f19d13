// Finds and ends every process of a run, also those that left its group (setsid, double fork), by their environment in /proc.
// Where there is no /proc (macOS) only the process group is known. A process that cleared its own environment *and* left both
// group and parent is out of reach here: that needs a sandbox with its own process namespace.
import { readdirSync, readFileSync } from 'node:fs'
import { type Clock, sleep } from '../kernel/clock.ts'

export type ProcessEntry = { pid: number; state: string; parent: number; group: number; session: number; startTicks: number }

const FREEZE_PASSES_MAX = 5

type LivingProcess = ProcessEntry & { environment(): string }

/** What makes a process part of the work: an entry of its environment (`NAME=value`), its group, or a parent that is part of it. */
export type Mark = { environment: string; groups: readonly number[] }

/** One process as the kernel shows it; undefined where it is gone (or was never there). */
export function readProcess(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const at = (index: number): number => Number(fields[index])
    return { pid, state: fields[0] ?? '', parent: at(1), group: at(2), session: at(3), startTicks: at(19) }
  } catch {
    return undefined // gone between listing and reading
  }
}

/** The living processes that carry the mark; zombies are dead and do not count. */
function findMarked(mark: Mark, processes: readonly LivingProcess[] = listLiving()): LivingProcess[] {
  const found = new Set<number>()
  for (const entry of processes) {
    if (mark.groups.includes(entry.group) || mark.groups.includes(entry.session) || entry.environment().includes(`\0${mark.environment}\0`))
      found.add(entry.pid)
  }
  for (let grown = found.size > 0; grown; ) {
    grown = false
    for (const entry of processes) {
      if (found.has(entry.pid) || !found.has(entry.parent)) continue
      found.add(entry.pid)
      grown = true
    }
  }
  return processes.filter((entry) => found.has(entry.pid))
}

export type Sweeper = {
  /** Kills what carries the mark, again and again, until nothing is left (then []) or the time is over (then what survived). */
  end(mark: Mark, timeMaxMs: number): Promise<number[]>
}

type Waiting = { mark: Mark; deadlineMs: number; looksLeft: number; settle(survivors: number[]): void }

/** Empty walks in a row that are believed once something was found. */
const LOOKS_AFTER_FOUND = 3

/** Many runs that end at once share one walk through /proc. */
export function createSweeper(clock: Clock): Sweeper {
  let waiting: Waiting[] = []
  let sweeping = false

  const sweep = async (): Promise<void> => {
    sweeping = true
    for (let pauseMs = 1; waiting.length > 0; pauseMs = Math.min(pauseMs * 2, 50)) {
      for (const { mark } of waiting) for (const group of mark.groups) signalGroup(group, 'SIGKILL')
      const processes = listLiving()
      waiting = waiting.filter((one) => {
        const alive = findMarked(one.mark, processes)
        for (const { pid } of alive) signal(pid, 'SIGKILL')
        // A process in the middle of its exec shows no environment: where there were any, one empty walk proves nothing.
        one.looksLeft = alive.length > 0 ? LOOKS_AFTER_FOUND : one.looksLeft - 1
        const over = one.looksLeft <= 0 || clock.nowMs() > one.deadlineMs
        if (over) one.settle(alive.map((entry) => entry.pid))
        return !over
      })
      if (waiting.length > 0) await sleep(clock, pauseMs)
    }
    sweeping = false
  }
  return {
    end(mark, timeMaxMs) {
      return new Promise((settle) => {
        waiting.push({ mark, deadlineMs: clock.nowMs() + timeMaxMs, looksLeft: 1, settle })
        // A turn later, so that runs that end in the same moment are in the first walk.
        if (!sweeping) queueMicrotask(() => sweeping || void sweep())
      })
    },
  }
}

export function isAnyAlive(mark: Mark): boolean {
  return findMarked(mark).length > 0
}

/** Freezes all that carries the mark. Looks again, because what was not yet stopped may have forked meanwhile. */
export function freezeMarked(mark: Mark): void {
  for (let pass = 0; pass < FREEZE_PASSES_MAX; pass++) {
    for (const group of mark.groups) signalGroup(group, 'SIGSTOP')
    const awake = findMarked(mark).filter((entry) => entry.state !== 'T')
    if (awake.length === 0) return
    for (const { pid } of awake) signal(pid, 'SIGSTOP')
  }
}

export function thawMarked(mark: Mark): void {
  for (const group of mark.groups) signalGroup(group, 'SIGCONT')
  for (const { pid } of findMarked(mark)) signal(pid, 'SIGCONT')
}

export function signalGroup(group: number, name: NodeJS.Signals): void {
  if (group > 1) signal(-group, name)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already (ESRCH), or not ours (EPERM): the next search tells which.
  }
}

/** All living processes but this one and its parent; an environment is read once, and only when asked for. */
function listLiving(): LivingProcess[] {
  let names: string[]
  try {
    names = readdirSync('/proc')
  } catch {
    return [] // no /proc on this system
  }
  return names.flatMap((name) => {
    const entry = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined
    if (!entry || entry.state === 'Z' || entry.state === 'X' || entry.pid === process.pid || entry.pid === process.ppid) return []
    let environment: string | undefined
    return [{ ...entry, environment: () => (environment ??= readEnvironment(entry.pid)) }]
  })
}

function readEnvironment(pid: number): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}\0`
  } catch {
    return '' // gone, or another user's
  }
}
