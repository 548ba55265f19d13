// What a new worker's machine does, sent there through ssh and run by its Node: proves that the product arrived as it was sent, unpacks
// it, starts a node in the background. It imports nothing of ours and is never loaded here. ORDER stands before it.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, normalize, sep } from 'node:path'
import { gunzipSync } from 'node:zlib'

declare const ORDER: { hash: string; name: string; invite: string; flags: string[]; nodeHash: string | null }

const BLOCK_BYTES = 512
const PACK_BYTES_MAX = 2 ** 30
const NODE_MAJOR_MIN = 24

function say(answer: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

function fail(code: string, message: string): never {
  say({ event: 'failed', code, message })
  process.exit(0)
}

/** Plain files alone, each below the folder; long names stand in a header of their own. */
function unpack(tar: Buffer, dir: string): void {
  let longName: string | undefined
  for (let at = 0; at + BLOCK_BYTES <= tar.length && tar[at] !== 0; ) {
    const text = (from: number, length: number): string => tar.toString('utf8', at + from, at + from + length).split('\0')[0] ?? ''
    const size = parseInt(text(124, 12), 8) || 0
    const body = tar.subarray(at + BLOCK_BYTES, at + BLOCK_BYTES + size)
    const type = text(156, 1)
    const prefix = text(345, 155)
    const name = longName ?? (prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`)
    longName = type === 'x' ? /\d+ path=([^\n]*)\n/.exec(body.toString('utf8'))?.[1] : undefined
    if (type === '0' || type === '') {
      const path = normalize(join(dir, name))
      if (!path.startsWith(dir + sep)) fail('pack-refused', `the file ${name} would lie outside`)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, body, { mode: parseInt(text(100, 8), 8) & 0o755 })
    }
    at += BLOCK_BYTES + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES
  }
}

function install(root: string): string {
  const dir = join(root, ORDER.hash)
  if (existsSync(dir)) return dir
  const part = join(root, `${ORDER.hash}.part`)
  const bytes = readFileSync(part)
  if (createHash('sha256').update(bytes).digest('hex') !== ORDER.hash) {
    rmSync(part)
    fail('pack-damaged', 'what arrived is not what was sent')
  }
  const fresh = `${dir}.new-${process.pid}`
  unpack(gunzipSync(bytes, { maxOutputLength: PACK_BYTES_MAX }), fresh)
  if (!existsSync(dir)) renameSync(fresh, dir)
  rmSync(fresh, { recursive: true, force: true })
  rmSync(part, { force: true })
  return dir
}

function freeFolder(): { name: string; dataDir: string } {
  const root = join(homedir(), '.nimbus-replicas')
  for (let number = 1; ; number++) {
    const name = number === 1 ? ORDER.name : `${ORDER.name}-${number}`
    const dataDir = join(root, name)
    if (existsSync(dataDir)) continue
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    return { name, dataDir }
  }
}

function main(): void {
  process.umask(0o077)
  if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) fail('node-too-old', `its Node is ${process.versions.node}`)
  if (ORDER.nodeHash !== null && createHash('sha256').update(readFileSync(process.execPath)).digest('hex') !== ORDER.nodeHash) {
    rmSync(process.execPath)
    fail('pack-damaged', 'the Node that arrived is not the one that was sent')
  }
  const product = install(join(homedir(), '.nimbus-product'))
  const { name, dataDir } = freeFolder()
  const up = [
    join(product, 'node', 'nimbus.js'),
    'up',
    ...ORDER.flags,
    '--name',
    name,
    '--data',
    dataDir,
    '--join',
    '-',
    '--detach',
    '--json',
  ]
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('NIMBUS_')))
  const child = spawn(process.execPath, up, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdin.on('error', () => {}) // it ended before it read: its exit says why
  child.stdin.end(`${ORDER.invite}\n`)
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (piece: string) => (output[stream] = (output[stream] + piece).slice(-64_000)))
  child.on('close', (code) => {
    const ready = output.stdout.split('\n').find((line) => line.startsWith('{"event":"ready"'))
    if (ready === undefined) {
      rmSync(dataDir, { recursive: true, force: true })
      fail('not-started', `it ended with ${code}: ${output.stderr.trim().slice(-1500)}`)
    }
    say({ ...(JSON.parse(ready) as object), dataDir, product })
  })
}

main()
