// A command that is spoken with over its standard input and output, line by line. In a group of its own, so that ending it ends all
// that it started; lines over a limit are left out and counted, never gathered.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { StringDecoder } from 'node:string_decoder'

/** One line of an agent may carry a whole file. */
const LINE_BYTES_MAX = 16 * 1024 * 1024
const ERRORS_KEPT_BYTES = 16 * 1024
const NOT_STARTED = 127

export type Piped = {
  pid: number | undefined
  write(line: string): void
  closeInput(): void
  /** To the whole group. */
  signal(name: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void
  ended: Promise<{ exitCode?: number; signal?: string; errors: string }>
}
export type PipedOrder = {
  argv: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  onLine(line: string): void
  onLongLine(bytes: number): void
}

export function runPiped({ argv, cwd, env, onLine, onLongLine }: PipedOrder): Piped {
  const [file = '', ...args] = argv
  const child = spawn(file, args, { cwd, env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  let errors = Buffer.alloc(0)
  const lines = createLines(onLine, onLongLine)
  child.stdout.on('data', lines.take)
  child.stderr.on('data', (piece: Buffer) => {
    errors = Buffer.concat([errors, piece]).subarray(-ERRORS_KEPT_BYTES)
  })
  child.stdin.on('error', () => {}) // it is gone: its end says so
  const ended = new Promise<{ exitCode?: number; signal?: string; errors: string }>((resolve) => {
    child.once('error', (error) => resolve({ exitCode: NOT_STARTED, errors: error.message }))
    child.once('close', (exitCode, signal) => {
      lines.end()
      resolve({ ...(exitCode === null ? {} : { exitCode }), ...(signal === null ? {} : { signal }), errors: errors.toString('utf8') })
    })
  })
  return {
    pid: child.pid,
    write: (line) => void (child.stdin.writable && child.stdin.write(`${line}\n`)),
    closeInput: () => void child.stdin.end(),
    signal(name) {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, constants.signals[name])
      } catch {
        // The group is gone.
      }
    },
    ended,
  }
}

function createLines(onLine: (line: string) => void, onLongLine: (bytes: number) => void): { take(piece: Buffer): void; end(): void } {
  let decoder = new StringDecoder('utf8')
  let parts: string[] = []
  let bytes = 0
  const finish = (): void => {
    const line = parts.join('') + decoder.end()
    if (bytes > LINE_BYTES_MAX) onLongLine(bytes)
    else if (line.trim() !== '') onLine(line)
    decoder = new StringDecoder('utf8')
    parts = []
    bytes = 0
  }
  const add = (piece: Buffer): void => {
    bytes += piece.length
    if (bytes > LINE_BYTES_MAX) parts = []
    else parts.push(decoder.write(piece))
  }
  return {
    take(piece) {
      let start = 0
      for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, start)) {
        add(piece.subarray(start, end))
        finish()
        start = end + 1
      }
      if (start < piece.length) add(piece.subarray(start))
    },
    end: () => (bytes > 0 ? finish() : undefined),
  }
}
