// A node of some version of this program as a process of its own, with a channel on which it says a few words. It is told to stop by
// a signal, and stops by itself when this process is gone.
import { spawn } from 'node:child_process'

/** What a node says to the process that started it. */
export type NodeWord =
  | { say: 'ready'; http: string }
  | { say: 'healthy' }
  | { say: 'switch'; commit: string; dir: string; patienceMs?: number }
export type VersionProcess = {
  pid: number | undefined
  /** Its exit code; 128 where a signal ended it. */
  ended: Promise<number>
  /** The end of what it wrote to stderr. */
  errors(): string
  signal(name: NodeJS.Signals): void
}

/** Tells a node that somebody watches it. */
const MARK = 'NIMBUS_SUPERVISED'
const ERRORS_CHARS_MAX = 4_000

/** @param output where its stdout and stderr go: on to ours, or nowhere */
export function startVersion(
  argv: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; output: 'ours' | 'none'; onWord(word: NodeWord): void },
): VersionProcess {
  const [file = '', ...args] = argv
  const { cwd, env, output } = options
  const out = output === 'ours' ? 'inherit' : 'ignore'
  const child = spawn(file, args, {
    cwd,
    env: { ...env, [MARK]: '1' },
    stdio: [output === 'ours' ? 'inherit' : 'ignore', out, 'pipe', 'ipc'],
  })
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-ERRORS_CHARS_MAX)
    if (output === 'ours') process.stderr.write(text)
  })
  child.on('message', (word) => options.onWord(word as NodeWord))
  const ended = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      errors += error.message
      if (child.pid === undefined) resolve(127)
    })
    child.once('close', (code) => resolve(code ?? 128))
  })
  return { pid: child.pid, ended, errors: () => errors, signal: (name) => void child.kill(name) }
}

/** The node's side: undefined where nobody watches it. */
export function supervisorLink(): { say(word: NodeWord): void; onGone(callback: () => void): void } | undefined {
  if (process.env[MARK] !== '1' || process.send === undefined) return undefined
  return {
    // A channel that broke is told by its end.
    say: (word) => void (process.connected && process.send?.(word, undefined, undefined, () => {})),
    onGone: (callback) => void process.once('disconnect', callback),
  }
}

/** Signals that are for the node. `heard`: a terminal sent it to both of us, and passing it on would count twice. */
export function onSignals(to: (name: NodeJS.Signals, heard: boolean) => void): () => void {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const listeners = names.map((name) => ({ name, listener: () => to(name, name === 'SIGINT' && process.stdin.isTTY) }))
  for (const { name, listener } of listeners) process.on(name, listener)
  return () => listeners.forEach(({ name, listener }) => process.off(name, listener))
}
