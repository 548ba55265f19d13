// One guardian process as its node sees it: launched, spoken to, dismissed, or found dead.
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Clock, sleep } from '../kernel/clock.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { FromGuardian, ToGuardian } from './run-order.ts'

const GUARDIAN = fileURLToPath(new URL('./guardian/guardian.ts', import.meta.url))
/** A dismissed guardian has nothing left to do but to exit. */
const GOODBYE_MS_MAX = 2_000

export type GuardianLink = {
  pid: number
  send(message: ToGuardian): void
  /** Says goodbye; settles when the process is gone. Only for a guardian without runs. */
  dismiss(): Promise<void>
}

type LinkComponents = {
  clock: Clock
  receive(message: FromGuardian): void
  /** Called once, when the process ended without being dismissed. */
  onDeath(): void
}

export function launchGuardian({ clock, receive, onDeath }: LinkComponents, options: { dataId: string; dataDir: string }): GuardianLink {
  mkdirSync(options.dataDir, { recursive: true })
  const errors = openSync(join(options.dataDir, 'guardian.err'), 'a', 0o600)
  // Detached: signals to the node's process group and its terminal do not reach the guardian.
  // The compile cache halves its start (41 ms instead of 115) and its memory (51 MB instead of 80): no type stripper is loaded.
  const { NODE_OPTIONS: _forTheNodeOnly, ...inherited } = process.env
  const env = { ...inherited, NODE_COMPILE_CACHE: join(options.dataDir, 'cache', 'compile') }
  const child = spawn(process.execPath, [GUARDIAN, options.dataId], {
    cwd: '/',
    env,
    detached: true,
    stdio: ['ignore', 'ignore', errors, 'ipc'],
    serialization: 'advanced',
  })
  closeSync(errors)
  let dismissed = false
  let alive = true
  const gone = new Promise<void>((settle) => {
    const end = (): void => {
      if (alive && !dismissed) onDeath()
      alive = false
      settle()
    }
    child.once('exit', end)
    child.on('error', () => child.pid === undefined && end())
  })
  child.on('message', (message) => receive(message as FromGuardian))
  if (child.pid === undefined) {
    dismissed = true // its error event follows and concerns nobody
    throw new NimbusError('guardian-not-started', 'The guardian that runs the work of this node could not be started.', {
      kind: 'busy',
      cure: 'Look at the limits of this machine: processes and memory.',
    })
  }
  const pid = child.pid
  const send = (message: ToGuardian): void => {
    // A channel that broke a moment ago: the exit event follows and settles everything.
    if (child.connected) child.send(message, () => {})
  }
  return {
    pid,
    send,
    async dismiss() {
      dismissed = true
      send({ type: 'bye' })
      await Promise.race([gone, sleep(clock, GOODBYE_MS_MAX)])
      if (alive) child.kill('SIGKILL')
      await gone
    },
  }
}

/** Turns what the guardian refused back into the error that it was. */
export function refusalOf(message: Extract<FromGuardian, { type: 'refused' }>): NimbusError {
  return new NimbusError(message.code, messageOf(message.message), { cure: message.cure, details: { run: message.id } })
}
