// A clone of a generated repository of 50 MB and 5,000 commits over HTTP: both engines beside git itself, in turn. `clone` is what a task
// gets (the newest commit), `whole` is what `repo add` keeps. Memory is the largest sum of all processes of a clone, looked at every 20 ms.
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGitServer } from '../../support/git-http.ts'
import { median, nowMs, printTable } from '../figures.ts'

const COMMITS = 5_000
const FILE_BYTES = 10_000
const FILES = 1_000
const RUNS = 3
const LOOK_MS = 20
const ONE = join(import.meta.dirname, 'clone-once.ts')

export async function clone(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'nimbus-bench-clone-'))
  const server = await createGitServer()
  try {
    const repo = server.repo('large', { 'README.md': 'large\n' })
    await fill(repo.bare)
    const size = execFileSync('du', ['-sm', repo.bare], { encoding: 'utf8' }).split('\t')[0]
    const ways: [string, (to: string) => string[]][] = [
      ['git clone --depth 1', (to) => ['git', 'clone', '-q', '--depth=1', '--single-branch', repo.url, to]],
      ['clone, auto', (to) => [process.execPath, ONE, 'auto', repo.url, to]],
      ['clone, builtin', (to) => [process.execPath, ONE, 'builtin', repo.url, to]],
      ['git clone --bare (whole)', (to) => ['git', 'clone', '-q', '--bare', repo.url, to]],
      ['repo add, mirror (whole)', (to) => [process.execPath, ONE, 'mirror', repo.url, to]],
    ]
    const rows = ways.map(([name]) => ({ name, ms: [] as number[], megabytes: [] as number[] }))
    for (let run = 0; run < RUNS; run++) {
      for (const [index, [, words]] of ways.entries()) {
        const to = join(dir, `${run}-${index}`)
        const { tookMs, megabytes } = await measured(words(to))
        rows[index]?.ms.push(tookMs)
        rows[index]?.megabytes.push(megabytes)
        rmSync(to, { recursive: true, force: true })
      }
    }
    const base = (index: number): number => median(rows[index < 3 ? 0 : 3]?.ms ?? [])
    printTable(
      `clone of ${COMMITS} commits, ${size} MB in one pack, ${RUNS} runs each`,
      ['', 'ms', 'times git', 'memory MB'],
      rows.map(({ name, ms, megabytes }, index) => [name, median(ms), median(ms) / base(index), Math.max(...megabytes)]),
    )
  } finally {
    await server.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Random bytes do not compress: what is written is what is sent. */
async function fill(bare: string): Promise<void> {
  const child = spawn('git', ['--git-dir', bare, 'fast-import', '--quiet', '--force'], { stdio: ['pipe', 'inherit', 'inherit'] })
  for (let index = 0; index < COMMITS; index++) {
    const who = `T <t@example.org> ${1_700_000_000 + index} +0000`
    const name = `src/${index % 20}/file-${index % FILES}.bin`
    const content = randomBytes(FILE_BYTES)
    child.stdin.write(`commit refs/heads/main\ncommitter ${who}\ndata 6\nchange\nM 100644 inline ${name}\ndata ${content.length}\n`)
    if (!child.stdin.write(Buffer.concat([content, Buffer.from('\n')]))) await once(child.stdin, 'drain')
  }
  child.stdin.end()
  await once(child, 'exit')
  execFileSync('git', ['--git-dir', bare, 'repack', '-adq'])
}

async function measured(argv: readonly string[]): Promise<{ tookMs: number; megabytes: number }> {
  const [file = '', ...args] = argv
  const startMs = nowMs()
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (piece) => (said += String(piece)))
  let bytes = 0
  const timer = setInterval(() => (bytes = Math.max(bytes, memoryBelow(child.pid ?? 0, file === process.execPath))), LOOK_MS)
  const [code] = (await once(child, 'close')) as [number]
  clearInterval(timer)
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}`)
  return { tookMs: said.trim() === '' ? nowMs() - startMs : Number(said), megabytes: bytes / 2 ** 20 }
}

/** @param without the process itself: it stands for the node, which is there anyhow */
function memoryBelow(root: number, without: boolean): number {
  const parents = new Map<number, number>()
  const sizes = new Map<number, number>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      parents.set(Number(pid), Number(/^PPid:\t(\d+)/m.exec(status)?.[1]))
      sizes.set(Number(pid), Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024)
    } catch {
      continue // it has ended
    }
  }
  const isBelow = (pid: number): boolean => pid === root || (pid > 1 && isBelow(parents.get(pid) ?? 0))
  return [...sizes].reduce((sum, [pid, size]) => sum + (isBelow(pid) && !(without && pid === root) ? size : 0), 0)
}
