// Nodes in the background: begin one and wait until it is ready, end one and wait until it is gone.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../kernel/clock.ts'
import { createHoldingClock, sleep } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import { startDetached } from '../runner/commands/detach.ts'
import { readNodeFile } from './client.ts'
import type { Cli } from './context.ts'
import { EXIT } from './exit-codes.ts'
import type { ReadyLine, UpFlags } from './run-node.ts'

const POLL_MS = 50
/** A join may take 30 s to find that nobody answers. */
const READY_MS_MAX = 60_000
/** As long as a drain may take before the person is told. */
const END_MS_MAX = 120_000
const LISTS: Record<string, string> = { listen: '--listen', roles: '--role', skills: '--skill', accept: '--accept' }
const VALUES = ['name', 'http', 'repo', 'pool', 'slots', 'preset', 'auth', 'serviceHost', 'retention', 'follow']

/** @returns the exit code: 0 when ready, that of the node where it ended before */
export async function startInBackground(cli: Cli, flags: UpFlags, binFile: string, ready: (info: ReadyLine) => void): Promise<number> {
  const clock = createHoldingClock()
  const outFile = join(cli.dataDir, 'up.log')
  const joins = flags['join'] === undefined ? {} : { NIMBUS_JOIN: flags['join'] as string } // not in the arguments: those are for all to see
  const child = startDetached(process.execPath, [binFile, ...argumentsOf(flags), '--data', cli.dataDir, '--json'], {
    env: { ...cli.io.env, ...joins },
    outFile,
  })
  for (const start = clock.nowMs(); clock.nowMs() - start < READY_MS_MAX; await sleep(clock, POLL_MS)) {
    const lines = (await readFile(outFile, 'utf8')).split('\n')
    const line = lines.find((candidate) => candidate.startsWith('{"event":"ready"'))
    if (line !== undefined) {
      child.release()
      ready(JSON.parse(line) as ReadyLine)
      return EXIT.done
    }
    const code = child.exitCode()
    if (code !== undefined) {
      cli.io.stderr.write(lines.join('\n'))
      return code === 0 ? EXIT.failed : code
    }
  }
  child.release()
  throw new NimbusError(
    'not-ready',
    `The node (process ${child.pid}) did not get ready within ${READY_MS_MAX / 1000} seconds; it is still trying.`,
    { kind: 'unreachable', cure: `Look into ${outFile}, or end it with nimbus down.` },
  )
}

/** Asks a node to stop and waits until its process is gone. @returns how long that took */
export async function waitForEnd(cli: Cli, ask: () => Promise<void>): Promise<number> {
  const clock = createHoldingClock()
  const start = clock.nowMs()
  const file = cli.globals.url === undefined ? await readNodeFile(cli.dataDir) : undefined
  await ask()
  if (file === undefined) return clock.nowMs() - start
  await gone(clock, file.pid, start)
  return clock.nowMs() - start
}

async function gone(clock: Clock, pid: number, start: number): Promise<void> {
  while (isAlive(pid)) {
    if (clock.nowMs() - start > END_MS_MAX) {
      throw new NimbusError('still-running', `The node (process ${pid}) is still finishing its work after ${END_MS_MAX / 1000} seconds.`, {
        cure: 'Wait for it, or stop it at once: nimbus down --now.',
      })
    }
    await sleep(clock, POLL_MS)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // there, but somebody else's
  }
}

/** The words that start a node with these flags; an invite is not among them. */
export function argumentsOf(flags: UpFlags): string[] {
  const out = ['up']
  for (const key of VALUES) {
    const value = flags[key]
    if (typeof value === 'string' || typeof value === 'number') out.push(`--${optionOf(key)}=${value}`)
  }
  for (const [key, option] of Object.entries(LISTS))
    for (const value of (flags[key] as string[] | undefined) ?? []) out.push(`${option}=${value}`)
  for (const [key, value] of Object.entries((flags['labels'] as Record<string, string> | undefined) ?? {}))
    out.push(`--label=${key}=${value}`)
  if (flags['mdns'] === true) out.push('--mdns')
  return out
}

/** `serviceHost` is `--service-host`. */
function optionOf(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
