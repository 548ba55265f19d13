// The node's side of a terminal's host: starts one, finds it again, speaks to it, and reads how it ended.
import type { ChildProcessByStdio } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { getCompileCacheDir } from 'node:module'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { TERMINAL_FRAME_BYTES_MAX } from '../../../protocols/terminals/frames.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { createSweeper } from '../process-sweep.ts'
import type { HostEnd, HostOrder, ToHost } from './wire.ts'
import { END_FILE, frameBytes, framesOf, hostEnd, socketPathOf } from './wire.ts'

const HOST = fileURLToPath(new URL('./host.ts', import.meta.url))
/** Written before the command may start: whoever finds it starts no second one. */
const BEGUN_FILE = 'begun'
const START_MS_MAX = 30_000
const SWEEP_MS_MAX = 5_000
/** An event is JSON and may be longer than a piece of output. */
const FRAME_BYTES_MAX = TERMINAL_FRAME_BYTES_MAX + 16 * 1024
const firstWord = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({ code: z.string(), message: z.string(), cure: z.string().optional() }),
])

export type HostConnection = {
  say(said: ToHost): void
  /** What the host says; pulled. Ends with the connection. */
  frames(): AsyncGenerator<Uint8Array>
  closed: Promise<void>
  close(): void
}

export type HostTrace = 'none' | 'begun' | 'ended'

/** Whether a terminal was ever begun in this folder, and whether it said how it ended. */
export function traceOf(folder: string): HostTrace {
  const has = (name: string): boolean => statSync(join(folder, name), { throwIfNoEntry: false }) !== undefined
  return has(END_FILE) ? 'ended' : has(BEGUN_FILE) ? 'begun' : 'none'
}

export function endOf(folder: string): HostEnd | undefined {
  try {
    return hostEnd.safeParse(JSON.parse(readFileSync(join(folder, END_FILE), 'utf8'))).data
  } catch {
    return undefined // it was killed with its machine, or before it could write
  }
}

/** Starts the host; settles when its command runs. What it says by itself goes to `host.err` in the folder. */
export async function startHost(clock: Clock, order: HostOrder): Promise<void> {
  mkdirSync(order.folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(order.folder, BEGUN_FILE), '', { mode: 0o600 })
  const errors = openSync(join(order.folder, 'host.err'), 'a', 0o600)
  const cache = getCompileCacheDir()
  const env = { PATH: process.env['PATH'] ?? '', ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) }
  const stdio: ['pipe', 'pipe', number] = ['pipe', 'pipe', errors]
  const child = spawn(process.execPath, [HOST], { cwd: '/', env, detached: true, stdio }) as ChildProcessByStdio<Writable, Readable, null>
  closeSync(errors)
  child.stdin.on('error', () => {}) // it died at once: its exit says so
  child.stdin.end(JSON.stringify(order))
  const word = Promise.withResolvers<string>()
  createInterface({ input: child.stdout }).once('line', word.resolve)
  child.once('error', (error) => word.reject(error))
  child.once('exit', (code) => word.reject(new Error(`its host ended with ${code}`)))
  const cancel = clock.after(START_MS_MAX, () => {
    child.kill('SIGKILL')
    word.reject(new Error(`its host said nothing for ${START_MS_MAX} ms`))
  })
  try {
    const said = firstWord.parse(JSON.parse(await word.promise))
    if ('code' in said) throw new NimbusError(said.code, said.message, said.cure === undefined ? {} : { cure: said.cure })
  } catch (error) {
    if (error instanceof NimbusError) throw error
    throw new NimbusError('terminal-not-opened', `The terminal could not be opened: ${(error as Error).message}.`, {
      cause: error,
      cure: `Look at host.err in ${order.folder}, and at the limits of this machine: processes and memory.`,
    })
  } finally {
    cancel()
    child.stdout.destroy()
    child.unref()
  }
}

/** @throws NimbusError `terminal-away` where no host answers */
export async function connectHost(folder: string): Promise<HostConnection> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const path = socketPathOf(folder)
    const owner = statSync(path, { throwIfNoEntry: false })?.uid
    if (owner !== undefined && process.getuid !== undefined && owner !== process.getuid()) return reject(away())
    const opened = connect(path)
    opened.once('connect', () => resolve(opened)).once('error', () => reject(away()))
  })
  socket.on('error', () => socket.destroy())
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return {
    say(said) {
      if (socket.writable) socket.write(frameBytes(Buffer.from(JSON.stringify(said))))
    },
    frames: () => framesOf(socket, FRAME_BYTES_MAX),
    closed,
    close: () => socket.destroy(),
  }
}

/** Ends what a host that died left behind; gives the processes that cannot be ended. */
export function endOrphans(clock: Clock, task: string): Promise<number[]> {
  return createSweeper(clock).end({ environment: `NIMBUS_TERMINAL=${task}`, groups: [] }, SWEEP_MS_MAX)
}

function away(): NimbusError {
  return new NimbusError('terminal-away', 'The terminal does not answer on its worker.', {
    kind: 'unreachable',
    cure: 'It may be starting or ending: nimbus task show ID tells.',
  })
}
