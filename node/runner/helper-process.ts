// A script of ours in a process of its own, for work that may take much memory or block: one order in, messages out.
// Ends with its caller: when the channel closes the helper exits (the script's part: see `serveHelper`).
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { getCompileCacheDir } from 'node:module'
import { type Clock, repeat } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'

export type HelperLimits = { memoryBytesMax: number; timeMaxMs: number }
type HelperEnd = { exitCode: number | null; signal: string | null }

const MEMORY_LOOK_MS = 100
const PAGE_BYTES = 4096
/** What a process needs to reach the network as its node does; nothing else of the environment is passed on. */
const PASSED_ON = /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|NODE_USE_ENV_PROXY)$/i

type HelperOptions<Message> = {
  script: string
  order: unknown
  limits: HelperLimits
  onMessage(message: Message): void
  signal?: AbortSignal | undefined
}

/** Settles with how the process ended; rejects with `helper-too-long`, `helper-too-large` or `aborted` when it was ended for that. */
export async function runHelper<Message>(clock: Clock, options: HelperOptions<Message>): Promise<HelperEnd> {
  const { script, order, limits, onMessage, signal } = options
  const child = spawn(process.execPath, [script], {
    cwd: '/',
    env: helperEnvironment(),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  })
  let reason: NimbusError | undefined
  const end = (error: NimbusError): void => {
    reason ??= error
    child.kill('SIGKILL')
  }
  const endFor = (code: string, message: string): void => end(new NimbusError(code, message))
  const tooLong = clock.after(limits.timeMaxMs, () => endFor('helper-too-long', `It took longer than ${limits.timeMaxMs} ms.`))
  const lookAtMemory = (): void => {
    if (memoryOf(child.pid) > limits.memoryBytesMax)
      endFor('helper-too-large', `It needed more than ${limits.memoryBytesMax} bytes of memory.`)
  }
  const memory = repeat(clock, MEMORY_LOOK_MS, lookAtMemory, () => {})
  const abort = (): void => endFor('aborted', 'It was aborted.')
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  child.on('message', (message) => onMessage(message as Message))
  try {
    return await new Promise<HelperEnd>((resolve, reject) => {
      child.on('error', (cause) => {
        if (child.pid === undefined) reject(notStarted(cause))
      })
      child.once('close', (exitCode, by) => (reason ? reject(reason) : resolve({ exitCode, signal: by })))
      if (child.connected) child.send(order as object, () => {}) // a helper that died at once is told by its exit
    })
  } finally {
    tooLong()
    memory()
    signal?.removeEventListener('abort', abort)
  }
}

/** The helper's side: takes one order, works, and exits; exits at once when its caller is gone. */
export function serveHelper<Order, Message>(work: (order: Order, tell: (message: Message) => void) => Promise<void>): void {
  process.once('disconnect', () => process.exit(1))
  process.once('message', (order) => {
    const tell = (message: Message): void => void process.send?.(message)
    void work(order as Order, tell).finally(() => process.disconnect?.())
  })
}

function notStarted(cause: Error): NimbusError {
  const cure = 'Look at the limits of this machine: processes and memory.'
  return new NimbusError('helper-not-started', `A helper process could not be started: ${cause.message}.`, { kind: 'busy', cause, cure })
}

function helperEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ON.test(name)))
  // Without it Node does not look at the proxy variables.
  if (Object.keys(env).some((name) => /^https?_proxy$/i.test(name))) env['NODE_USE_ENV_PROXY'] ??= '1'
  // Where the node has a compile cache, the helper starts in a third of the time.
  const cache = getCompileCacheDir()
  if (cache !== undefined) env['NODE_COMPILE_CACHE'] = cache
  return env
}

function memoryOf(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
  } catch {
    return 0 // ended, or no /proc on this system
  }
}
