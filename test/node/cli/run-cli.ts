// Runs the real command line in a process of its own.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../../node/nimbus.js', import.meta.url))

export type Ran = { code: number | null; out: Buffer; stdout: string; stderr: string; tookMs: number }
export type Running = { child: ChildProcess; ended: Promise<Ran>; stdout(): string; stderr(): string }

export function startCli(args: readonly string[], options: { env?: NodeJS.ProcessEnv; input?: string; cwd?: string } = {}): Running {
  const started = performance.now()
  const { NIMBUS_DATA: _data, NIMBUS_URL: _url, NIMBUS_TOKEN: _token, ...env } = process.env
  const child = spawn(process.execPath, [BIN, ...args], { env: { ...env, NO_COLOR: '1', ...options.env }, cwd: options.cwd })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (piece: Buffer) => out.push(piece))
  child.stderr.on('data', (piece: Buffer) => err.push(piece))
  child.stdin.on('error', () => {}) // a command that reads no stdin may end before it is written
  child.stdin.end(options.input ?? '')
  const text = (list: Buffer[]) => Buffer.concat(list).toString()
  const ended = new Promise<Ran>((resolve) => {
    child.on('close', (code) =>
      resolve({ code, out: Buffer.concat(out), stdout: text(out), stderr: text(err), tookMs: performance.now() - started }),
    )
  })
  return { child, ended, stdout: () => text(out), stderr: () => text(err) }
}

export function runCli(args: readonly string[], options: Parameters<typeof startCli>[1] = {}): Promise<Ran> {
  return startCli(args, options).ended
}
