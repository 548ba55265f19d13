// One short command of a helper process, without a shell and without an inherited environment: its output as text, and its end.
// It belongs to the helper's process group, and ends with it.
import { type ChildProcess, spawn } from 'node:child_process'
import { messageOf } from '../../kernel/errors.ts'

export type RanCommand = { exitCode: number | undefined; stdout: string; stderr: string }
export type CommandOptions = {
  env: Readonly<Record<string, string>>
  /** What it says beyond that ends it. */
  outputBytesMax: number
  /** Hears stderr as it comes; what it throws ends the command and is thrown on. */
  onError?: (text: string) => void
  input?: string
  /** Ends it. */
  signal?: AbortSignal
  /** An open file that the command has as its descriptor 3. */
  fd?: number
}

const ERROR_CHARS_MAX = 64 * 1024

export async function execFileQuietly(file: string, args: readonly string[], options: CommandOptions): Promise<RanCommand> {
  const stdin = options.input === undefined ? 'ignore' : 'pipe'
  const child = spawn(file, args, {
    cwd: '/',
    env: { ...options.env },
    stdio: [stdin, 'pipe', 'pipe', ...(options.fd === undefined ? [] : [options.fd])],
  })
  const output: Buffer[] = []
  let outputBytes = 0
  let stderr = ''
  let thrown: Error | undefined
  const end = (error: Error): void => {
    thrown ??= error
    child.kill('SIGKILL')
  }
  child.stdout?.on('data', (piece: Buffer) => {
    outputBytes += piece.length
    if (outputBytes > options.outputBytesMax) end(new Error(`${file} said more than ${options.outputBytesMax} bytes`))
    else output.push(piece)
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-ERROR_CHARS_MAX)
    try {
      options.onError?.(text)
    } catch (error) {
      end(error as Error)
    }
  })
  const abort = (): void => end(options.signal?.reason as Error)
  options.signal?.addEventListener('abort', abort, { once: true })
  child.stdin?.on('error', () => {}) // it may end before it has read everything
  child.stdin?.end(options.input)
  const exitCode = await ended(child, (error) => (stderr = messageOf(error)))
  options.signal?.removeEventListener('abort', abort)
  if (thrown !== undefined) throw thrown
  return { exitCode, stdout: Buffer.concat(output).toString('utf8'), stderr }
}

/** Starts a command that serves others until it is killed; settles when it has said its first word. */
export async function startCompanion(
  file: string,
  args: readonly string[],
  options: { env: Readonly<Record<string, string>> },
): Promise<{ kill(): void }> {
  const child = spawn(file, args, { cwd: '/', env: { ...options.env }, stdio: ['ignore', 'pipe', 'ignore'] })
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    void ended(child, reject).then((code) => reject(new Error(`${file} ended with ${code} at once`)))
  })
  return { kill: () => void child.kill('SIGKILL') }
}

/** Settles when it is over and has said everything; undefined where a signal ended it or it never started. */
function ended(child: ChildProcess, onError: (error: Error) => void): Promise<number | undefined> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      onError(error)
      if (child.pid === undefined) resolve(undefined)
    })
    child.once('close', (code) => resolve(code ?? undefined))
  })
}
