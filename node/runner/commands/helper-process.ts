// A script of ours in a process of its own, for work that may take much memory or block: one order in, messages out.
// Ends with its caller: when the channel closes the helper exits (the script's part: see `serveHelper`).
import { readFileSync } from 'node:fs'
import { getCompileCacheDir } from 'node:module'
import { type Clock, repeat } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'

export type HelperLimits = { memoryBytesMax: number; timeMaxMs: number }
type HelperEnd = { exitCode: number | undefined; signal: string | undefined }

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
  // Loaded with the first helper: it takes a tenth of a second that no start and no plain task has to wait for.
  const { execa } = await import('execa')
  const child = execa(process.execPath, [script], {
    cwd: '/',
    env: helperEnvironment(),
    extendEnv: false,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    ipc: true,
    serialization: 'advanced',
    buffer: false,
    reject: false,
    // A group of its own: what the helper itself started ends with it.
    detached: true,
  })
  let reason: NimbusError | undefined
  const end = (error: NimbusError): void => {
    reason ??= error
    killGroup(child.pid)
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
  try {
    const listening = listen(child, onMessage)
    await child.sendMessage(order as object).catch(() => {}) // a helper that died at once is told by its exit
    const { exitCode, signal: by, cause } = await child
    await listening
    if (reason !== undefined) throw reason
    if (child.pid === undefined) throw notStarted(cause)
    return { exitCode, signal: by }
  } finally {
    tooLong()
    memory()
    signal?.removeEventListener('abort', abort)
  }
}

/** Hands messages on until the channel closes; how the helper ended is told by its exit. */
async function listen<Message>(child: { getEachMessage(): AsyncIterable<unknown> }, onMessage: (message: Message) => void): Promise<void> {
  try {
    for await (const message of child.getEachMessage()) onMessage(message as Message)
  } catch {
    // the channel broke: the exit follows
  }
}

/** The helper's side: takes one order, works, and exits; exits at once when its caller is gone. */
export function serveHelper<Order, Message>(work: (order: Order, tell: (message: Message) => void) => Promise<void>): void {
  process.once('disconnect', () => killGroup(process.pid))
  process.once('message', (order) => {
    const tell = (message: Message): void => void process.send?.(message)
    void work(order as Order, tell).finally(() => process.disconnect?.())
  })
}

function killGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGKILL')
  } catch {
    // gone already
  }
}

function notStarted(cause: unknown): NimbusError {
  const cure = 'Look at the limits of this machine: processes and memory.'
  return new NimbusError('helper-not-started', `A helper process could not be started: ${messageOf(cause)}.`, { kind: 'busy', cause, cure })
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
