// How long a person waits: from the start script to the ready line, and for an answer of the command line. `cold` is the
// first start after a change of the code (nothing compiled), `warm` every other.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { BIN, cleanEnv, createRealMesh } from '../support/real-mesh.ts'
import { median, nowMs, printTable } from './figures.ts'

const RUNS = 5

export async function start(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'nimbus-bench-'))
  const mesh = await createRealMesh()
  try {
    const cold: number[] = []
    const warm: number[] = []
    const again: number[] = []
    for (let index = 0; index < RUNS; index++) {
      const cache = join(dir, `cache-${index}`)
      cold.push(await readyMs(join(dir, `cold-${index}`), cache))
      warm.push(await readyMs(join(dir, `warm-${index}`), cache))
      again.push(await readyMs(join(dir, `warm-${index}`), cache))
    }
    const node = await mesh.add('node-1')
    const cli = async (...args: string[]): Promise<number> => {
      const startMs = nowMs()
      const { code, stderr } = await node.cli(...args)
      if (code !== 0) throw new Error(`nimbus ${args.join(' ')} ended with ${code}: ${stderr}`)
      return nowMs() - startMs
    }
    const commands: [string, number[]][] = []
    for (const args of [['version'], ['status'], ['task', 'ls'], ['task', 'run', '--', 'true']]) {
      const times: number[] = []
      for (let index = 0; index <= RUNS; index++) times.push(await cli(...args))
      commands.push([`nimbus ${args.join(' ')}`, times.slice(1)])
    }
    const row = ([name, times]: [string, number[]]): (string | number)[] => [name, median(times), Math.min(...times), Math.max(...times)]
    printTable(
      `start: milliseconds, ${RUNS} runs each`,
      ['', 'median', 'min', 'max'],
      [
        ['start to ready line, cold, new data folder', cold] as [string, number[]],
        ['start to ready line, warm, new data folder', warm] as [string, number[]],
        ['start to ready line, warm, known data folder', again] as [string, number[]],
        ...commands,
      ].map(row),
    )
  } finally {
    await mesh.close()
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function readyMs(dataDir: string, cache: string): Promise<number> {
  const startMs = nowMs()
  const args = [BIN, 'up', '--json', '--data', dataDir, '--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0']
  const child = spawn(process.execPath, args, { env: cleanEnv({ NODE_COMPILE_CACHE: cache }), stdio: ['ignore', 'pipe', 'inherit'] })
  await once(createInterface({ input: child.stdout }), 'line')
  const tookMs = nowMs() - startMs
  child.kill('SIGTERM')
  await once(child, 'exit')
  return tookMs
}
