// A person before the command line: the CLI in a real pseudoterminal, and what that terminal shows, drawn by an emulator.
import { readFile } from 'node:fs/promises'
import { spawn } from '@lydell/node-pty'
import type { RealNode } from '../../support/real-mesh.ts'
import { BIN, cleanEnv } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { drawn, referenceTerminal } from '../../node/terminals/cells.ts'

export type CliTerminal = {
  type(text: string): void
  resize(cols: number, rows: number): void
  /** Reads no more of what the CLI draws, and again. */
  stall(): void
  goOn(): void
  /** Everything that the CLI wrote to its terminal. */
  written(): Buffer
  lines(): Promise<string[]>
  until(text: string | RegExp): Promise<void>
  ended: Promise<number>
  /** Resident memory of the CLI, in MB. */
  memoryMb(): Promise<number>
}

/** @param script a shell script; `nimbus` in it is the CLI of that node */
export function cliTerminal(node: RealNode, script: string, size: { cols: number; rows: number }): CliTerminal {
  const env = cleanEnv({ NIMBUS_DATA: node.dataDir, TERM: 'xterm-256color', CLI: BIN, NODE: process.execPath })
  const pty = spawn('bash', ['--norc', '-c', `nimbus() { "$NODE" "$CLI" "$@"; }; ${script}`], { ...size, env, encoding: null })
  const emulator = referenceTerminal(size)
  const pieces: Buffer[] = []
  let drawing: Promise<unknown> = Promise.resolve()
  pty.onData((data) => {
    const bytes = data as unknown as Buffer
    pieces.push(bytes)
    drawing = drawing.then(() => drawn(emulator, bytes))
  })
  const lines = async (): Promise<string[]> => {
    await drawing
    const { active } = emulator.buffer
    return Array.from({ length: emulator.rows }, (_, y) => active.getLine(active.baseY + y)?.translateToString(true) ?? '')
  }
  return {
    type: (text) => pty.write(text),
    resize(cols, rows) {
      emulator.resize(cols, rows)
      pty.resize(cols, rows)
    },
    stall: () => pty.pause(),
    goOn: () => pty.resume(),
    written: () => Buffer.concat(pieces),
    lines,
    until: async (text) => {
      await until(
        async () => {
          const screen = (await lines()).join('\n')
          if (typeof text === 'string' ? screen.includes(text) : text.test(screen)) return true
          throw new Error(`the screen is:\n${screen}`)
        },
        { what: `${String(text)} in the terminal of the CLI`, timeoutMs: 60_000 },
      )
    },
    ended: new Promise((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode))),
    async memoryMb() {
      const children = (await readFile(`/proc/${pty.pid}/task/${pty.pid}/children`, 'utf8')).trim().split(' ')
      const status = await readFile(`/proc/${children[0] ?? ''}/status`, 'utf8')
      return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
    },
  }
}
