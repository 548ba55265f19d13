// A long-running process that a supervisor of ours keeps: in a group of its own, in a sandbox where one is given. Its output goes where
// ours goes. Asked to end, the process inside the sandbox is asked, not the sandbox around it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type Clock, sleep } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { signalGroup } from '../process-sweep.ts'
import { sandboxArgv } from './sandbox.ts'

export type InstanceOrder = {
  argv: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  sandbox?: { bwrap: string; writable: readonly string[]; readable: readonly string[] } | undefined
  graceMs: number
}
type End = { exitCode?: number; signal?: string }
type Started = { pid: number; ended: Promise<End>; end(): Promise<void> }

/** By these the guardian finds what belongs to a run, wherever it went. */
const MARKS = ['NIMBUS_RUN', 'NIMBUS_DATA_ID']
const LOOK_MS = 20

/** @throws NimbusError `command-not-started` */
export async function startInstance(clock: Clock, { argv, cwd, env, sandbox, graceMs }: InstanceOrder): Promise<Started> {
  const marks = Object.fromEntries(MARKS.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']])))
  const [file = '', ...args] = sandbox === undefined ? argv : sandboxArgv({ ...sandbox, argv, cwd, network: true })
  const child = spawn(file, args, { cwd, env: { ...env, ...marks }, detached: true, stdio: ['ignore', 'inherit', 'inherit'] })
  if (child.pid === undefined) {
    const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException]
    throw new NimbusError('command-not-started', `${JSON.stringify(file)} cannot be started: ${error.code ?? error.message}.`, {
      cure: 'Install it on this worker, or correct its name.',
    })
  }
  const { pid } = child
  child.on('error', () => {}) // a signal that came too late
  let over = false
  const ended = new Promise<End>((resolve) =>
    child.once('exit', (code, signal) => {
      over = true
      // What it left in its group ends with it; a sandbox has ended all of it already.
      signalGroup(pid, 'SIGKILL')
      resolve({ ...(code === null ? {} : { exitCode: code }), ...(signal === null ? {} : { signal }) })
    }),
  )
  return {
    pid,
    ended,
    async end() {
      if (over) return void (await ended)
      const inside = sandbox === undefined ? [] : childrenOf(pid).flatMap(childrenOf)
      if (sandbox === undefined) signalGroup(pid, 'SIGTERM')
      for (const one of inside) ask(one)
      const deadline = clock.nowMs() + (sandbox !== undefined && inside.length === 0 ? 0 : graceMs)
      while (!over && clock.nowMs() < deadline) await sleep(clock, LOOK_MS)
      if (!over) signalGroup(pid, 'SIGKILL')
      await ended
    },
  }
}

function ask(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // It ended in this moment.
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number)
  } catch {
    return [] // gone, or no such list on this system
  }
}
