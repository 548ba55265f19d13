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
const PASSED_ON = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'NODE_USE_ENV_PROXY',
]

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
  const env = Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
  const cache = getCompileCacheDir()
  if (cache !== undefined) env['NODE_COMPILE_CACHE'] = cache // where the node has one, the helper starts three times as fast
  const child = spawn(process.execPath, [script], {
    cwd: '/',
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  })
  let reason: NimbusError | undefined
  const end = (error: NimbusError): void => {
    reason ??= error
    child.kill('SIGKILL')
  }
  const tooLong = clock.after(limits.timeMaxMs, () =>
    end(new NimbusError('helper-too-long', `It took longer than ${limits.timeMaxMs} ms.`)),
  )
  const memory = repeat(
    clock,
    MEMORY_LOOK_MS,
    () => {
      if (memoryOf(child.pid) > limits.memoryBytesMax)
        end(new NimbusError('helper-too-large', `It needed more than ${limits.memoryBytesMax} bytes of memory.`))
    },
    () => {},
  )
  const abort = (): void => end(new NimbusError('aborted', 'It was aborted.'))
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  child.on('message', (message) => onMessage(message as Message))
  try {
    return await new Promise<HelperEnd>((resolve, reject) => {
      child.on(
        'error',
        (cause) =>
          child.pid === undefined &&
          reject(
            new NimbusError('helper-not-started', `A helper process could not be started: ${cause.message}.`, {
              kind: 'busy',
              cause,
              cure: 'Look at the limits of this machine: processes and memory.',
            }),
          ),
      )
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

function memoryOf(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
  } catch {
    return 0 // ended, or no /proc on this system
  }
}
