// A command in a pseudoterminal. The package that makes them has native code and is optional: where it is absent, that is said by name.
import type { IPty, spawn } from '@lydell/node-pty'
import type { TerminalSize } from '../../../protocols/terminals/frames.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'

/** What is typed and not read yet by the program; beyond it a writer is refused. */
const UNREAD_BYTES_MAX = 1024 * 1024
const SIGNALS: Record<number, string> = { 1: 'SIGHUP', 2: 'SIGINT', 3: 'SIGQUIT', 6: 'SIGABRT', 9: 'SIGKILL', 11: 'SIGSEGV', 15: 'SIGTERM' }

export type PtyEnd = { exitCode?: number; signal?: string }
export type Pty = {
  pid: number
  /** False where the program has not read what was typed before. */
  type(text: string): boolean
  resize(size: TerminalSize): void
  ended: Promise<PtyEnd>
}

type PtyOptions = {
  argv: readonly string[]
  cwd: string
  env: Record<string, string>
  size: TerminalSize
  onOutput(bytes: Uint8Array): void
}

export async function openPty({ argv, cwd, env, size, onOutput }: PtyOptions): Promise<Pty> {
  const { spawn: fork } = await loadPty()
  const [command = '', ...args] = argv
  const pty = fork(command, args, { ...size, cwd, env, name: env['TERM'] ?? 'xterm-256color', encoding: null })
  // With no encoding it gives bytes, which its types do not say.
  pty.onData((bytes) => onOutput(bytes as unknown as Uint8Array))
  const ended = new Promise<PtyEnd>((resolve) =>
    pty.onExit(({ exitCode, signal = 0 }) => resolve(signal > 0 ? { signal: SIGNALS[signal] ?? `signal ${signal}` } : { exitCode })),
  )
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  return {
    pid: pty.pid,
    ended,
    type(text) {
      if (isOver) return true
      if (unreadOf(pty) + text.length > UNREAD_BYTES_MAX) return false
      pty.write(text)
      return true
    },
    resize({ cols, rows }) {
      if (isOver) return
      try {
        pty.resize(cols, rows)
      } catch {
        // It ended a moment ago: its exit follows.
      }
    },
  }
}

/** @throws NimbusError `pty-missing` */
export async function loadPty(): Promise<{ spawn: typeof spawn }> {
  try {
    return await import('@lydell/node-pty')
  } catch (error) {
    throw new NimbusError('pty-missing', `This worker cannot open terminals, because ${messageOf(error).split('\n')[0]}.`, {
      kind: 'missing',
      cure: 'Install its optional packages: npm install @lydell/node-pty in the folder of Nimbus; nimbus doctor looks for it.',
      cause: error,
    })
  }
}

function unreadOf(pty: IPty): number {
  return (pty as unknown as { _socket?: { writableLength?: number } })._socket?.writableLength ?? 0
}
