// One command of a longer piece of work, run to its end: its output is handed on as it comes, the end of it is kept.
import { type Clock, repeat } from '../../kernel/clock.ts'
import { messageOf } from '../../kernel/errors.ts'
import { ownMemoryOf } from './tree-memory.ts'

export type StepOrder = {
  argv: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  timeoutMs: number
  /** Of the command and all that it started, counted a few times a second; beyond it all of them are ended. */
  memoryBytesMax?: number | undefined
  onOutput(stream: 'stdout' | 'stderr', piece: Uint8Array): void
  signal?: AbortSignal
}
export type StepEnd = { exitCode?: number; signal?: string; timedOut: boolean; outOfMemory?: boolean; output: string }

const OUTPUT_KEPT_BYTES = 256 * 1024
const GRACE_MS = 2_000
const MEMORY_LOOK_MS = 200

export async function runStep(clock: Clock, order: StepOrder): Promise<StepEnd> {
  const { execa } = await import('execa')
  const [file = '', ...args] = order.argv
  let kept = Buffer.alloc(0)
  let timedOut = false
  const child = execa(file, args, {
    cwd: order.cwd,
    env: { ...order.env },
    extendEnv: false,
    stdin: 'ignore',
    buffer: false,
    reject: false,
    forceKillAfterDelay: GRACE_MS,
    ...(order.signal === undefined ? {} : { cancelSignal: order.signal, gracefulCancel: false }),
  })
  const take = (stream: 'stdout' | 'stderr') => (piece: Uint8Array) => {
    order.onOutput(stream, piece)
    kept = Buffer.concat([kept, piece]).subarray(-OUTPUT_KEPT_BYTES)
  }
  child.stdout?.on('data', take('stdout'))
  child.stderr?.on('data', take('stderr'))
  const cancel = clock.after(order.timeoutMs, () => {
    timedOut = true
    child.kill('SIGTERM')
  })
  const { memoryBytesMax } = order
  let outOfMemory = false
  const look = (): void => {
    if (child.pid === undefined || memoryBytesMax === undefined || ownMemoryOf(child.pid) <= memoryBytesMax) return
    outOfMemory = true
    child.kill('SIGKILL')
  }
  const stopLooking = memoryBytesMax === undefined ? undefined : repeat(clock, MEMORY_LOOK_MS, look, () => {})
  const { exitCode, signal, cause } = await child
  cancel()
  stopLooking?.()
  // What could not be started at all ends like in a shell.
  if (child.pid === undefined) return { exitCode: 127, timedOut, output: `${file}: ${messageOf(cause)}: command not found` }
  return {
    timedOut,
    ...(outOfMemory ? { outOfMemory } : {}),
    output: kept.toString('utf8'),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
  }
}
