// Starts a program that outlives this one: a node in the background, a browser. Its output goes to a file or nowhere.
import { spawn } from 'node:child_process'
import { mkdirSync, openSync, closeSync } from 'node:fs'
import { dirname } from 'node:path'

export type Detached = {
  pid: number | undefined /** Its exit code; undefined while it runs. */
  exitCode(): number | undefined /** Lets this process end while the other goes on. */
  release(): void
}

/** @param outFile takes stdout and stderr, emptied first; readable by its owner alone */
export function startDetached(file: string, args: readonly string[], options: { env: NodeJS.ProcessEnv; outFile?: string }): Detached {
  if (options.outFile !== undefined) mkdirSync(dirname(options.outFile), { recursive: true, mode: 0o700 })
  const out = options.outFile === undefined ? 'ignore' : openSync(options.outFile, 'w', 0o600)
  const child = spawn(file, args, { detached: true, stdio: ['ignore', out, out], env: options.env, windowsHide: true })
  if (typeof out === 'number') closeSync(out)
  let exitCode: number | undefined
  child.once('exit', (code) => {
    exitCode = code ?? 1
  })
  child.once('error', () => {
    exitCode = 127 // could not be started at all
  })
  return { pid: child.pid, exitCode: () => exitCode, release: () => child.unref() }
}
