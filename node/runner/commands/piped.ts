// A command whose input and output are somebody's stream: neither is gathered, each side waits for the other. It and all that it
// started end with its time, its signal, or the one who holds it.
import { spawn } from 'node:child_process'
import type { Clock } from '../../kernel/clock.ts'
import { messageOf } from '../../kernel/errors.ts'

export type PipedOrder = {
  file: string
  args: readonly string[]
  cwd: string
  /** The whole environment. */
  env: Readonly<Record<string, string>>
  timeoutMs: number
  signal?: AbortSignal
}
export type PipedEnd = {
  exitCode: number | undefined
  signal: string | undefined
  timedOut: boolean
  /** The end of what it wrote to stderr. */
  errors: string
}
export type Piped = {
  /** Resolves when it takes more; false where it reads no more. */
  write(bytes: Uint8Array): Promise<boolean>
  endInput(): void
  /** Read it to the end: a command that cannot write does not end. */
  output: AsyncIterable<Uint8Array>
  ended: Promise<PipedEnd>
  kill(): void
}

const ERROR_CHARS_MAX = 16 * 1024

export function startPiped(clock: Pick<Clock, 'after'>, order: PipedOrder): Piped {
  const child = spawn(order.file, [...order.args], {
    cwd: order.cwd,
    env: { ...order.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: what it started ends with it.
    detached: true,
  })
  const { stdin, stdout, stderr } = child
  let errors = ''
  let timedOut = false
  let isClosed = false
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // gone already
    }
  }
  const cancel = clock.after(order.timeoutMs, () => {
    timedOut = true
    kill()
  })
  order.signal?.addEventListener('abort', kill, { once: true })
  if (order.signal?.aborted === true) kill()
  stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-ERROR_CHARS_MAX)
  })
  stdin.on('error', () => {}) // it reads no more: its exit says why
  stdin.on('close', () => {
    isClosed = true
  })
  const ended = new Promise<PipedEnd>((resolve) => {
    const end = (exitCode: number | undefined, signal: string | undefined): void => {
      cancel()
      order.signal?.removeEventListener('abort', kill)
      resolve({ exitCode, signal, timedOut, errors })
    }
    child.once('error', (error) => {
      errors += messageOf(error)
      end(undefined, undefined)
    })
    child.once('close', (code, signal) => end(code ?? undefined, signal ?? undefined))
  })
  return {
    write: (bytes) =>
      new Promise((resolve) => {
        if (isClosed || stdin.destroyed) return resolve(false)
        const gone = (): void => resolve(false)
        stdin.once('close', gone)
        stdin.write(bytes, (error) => {
          stdin.off('close', gone)
          resolve(error === null || error === undefined)
        })
      }),
    endInput: () => void stdin.end(),
    output: stdout,
    ended,
    kill,
  }
}
