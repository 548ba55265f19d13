// Runs a command on this terminal as if the person had started it: its input and output are ours, so are its signals. Ending it ends
// all that it started.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

export type Attached = {
  /** Its exit code; 128+n where a signal ended it; 127 where it could not be started. */
  ended: Promise<number>
  /** At once, with everything that it started. */
  kill(): void
}

const SIGNAL_BASE = 128
const NOT_STARTED = 127
const PASSED_ON: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** @param onError says why it could not be started */
export function runAttached(argv: readonly string[], options: { env: NodeJS.ProcessEnv; onError(reason: string): void }): Attached {
  const [file = '', ...args] = argv
  // A group of its own where no terminal sends signals to all of ours: then it can be ended as a whole.
  const detached = !process.stdin.isTTY
  const child = spawn(file, args, { stdio: 'inherit', env: options.env, detached })
  const send = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(detached ? -child.pid : child.pid, signal)
    } catch {
      // It is gone already.
    }
  }
  const ended = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      options.onError(error.message)
      resolve(NOT_STARTED)
    })
    child.once('exit', (code, signal) => resolve(code ?? SIGNAL_BASE + (signal === null ? 0 : constants.signals[signal])))
  })
  for (const signal of PASSED_ON) process.on(signal, send)
  void ended.then(() => PASSED_ON.forEach((signal) => process.off(signal, send)))
  return { ended, kill: () => send('SIGKILL') }
}
