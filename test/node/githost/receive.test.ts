// A push in git's own words, written by hand against a real repository: what a client that means harm may send, and what stands after it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBareRepos } from '../../../node/githost/keeping/bare-repos.ts'
import { createGit } from '../../../node/githost/keeping/git.ts'
import type { RefMove } from '../../../node/githost/refs/heads.ts'
import { FLUSH, pktLine, pktReader } from '../../../node/githost/serving/pkt-line.ts'
import { receiveSession } from '../../../node/githost/serving/receive.ts'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { createSystemRandom } from '../../../node/kernel/random.ts'
import { alice } from '../../protocols/samples.ts'
import { requirement } from '../../support/requirements.ts'

const ZERO = '0'.repeat(40)
const gitTool = requirement('git')
const root = mkdtempSync(join(tmpdir(), 'nimbus-receive-'))
const work = join(root, 'work')
const git = createGit({ clock: createSystemClock(), dataDir: root })
const repos = createBareRepos({ dataDir: root, git, random: createSystemRandom() })
let moves: RefMove[] = []
let first = ''

const run = (input: string | Buffer | undefined, ...args: string[]): Buffer =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
    cwd: work,
    ...(input === undefined ? {} : { input }),
    stdio: ['pipe', 'pipe', 'ignore'],
  })
const text = (...args: string[]): string =>
  run(undefined, ...args)
    .toString()
    .trim()

beforeAll(async () => {
  mkdirSync(work)
  run(undefined, 'init', '-q', '-b', 'main')
  writeFileSync(join(work, 'a'), 'one')
  run(undefined, 'add', 'a')
  run(undefined, 'commit', '-q', '-m', 'one')
  first = text('rev-parse', 'HEAD')
  await repos.create('app')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** The pack of these objects. */
const packOf = (...objects: string[]): Buffer => run(objects.map((one) => `${one}\n`).join(''), 'pack-objects', '--stdout', '-q')
const wholePack = (tip: string): Buffer => run(`${tip}\n`, 'pack-objects', '--stdout', '-q', '--revs')

/** Says all of this and answers what came back, or what was thrown. */
async function push(...said: (string | Buffer)[]): Promise<string> {
  moves = []
  const answers: Buffer[] = []
  const pieces = said.map((one) => Buffer.from(one as string))
  const session = receiveSession(
    {
      git,
      repos,
      spread: async () => [],
      async move(repo, asked) {
        moves.push(...asked)
        await repos.apply(
          repo,
          asked.flatMap(({ ref, to }) => (to === undefined ? [] : [{ ref, commit: to, by: alice.peerId, at: 1 }])),
          undefined,
        )
        return new Map(asked.map(({ ref }) => [ref, 'moved' as const]))
      },
    },
    'app',
    alice.peerId,
  )
  try {
    await session(
      { read: async () => pieces.shift(), write: async (bytes) => void answers.push(Buffer.from(bytes)) },
      new AbortController().signal,
    )
  } catch (error) {
    return `thrown ${String((error as { code?: string }).code)}`
  }
  // The greeting goes before.
  return Buffer.concat(answers.slice(1)).toString('utf8')
}
const command = (from: string, to: string, ref: string): Buffer => pktLine(`${from} ${to} ${ref}\0report-status object-format=sha1`)
const leftovers = (): string[] => readdirSync(join(repos.dirOf('app'), 'incoming'))

describe.skipIf(!gitTool.present)(gitTool.title('a push by hand'), () => {
  test('what is no push is refused before anything is kept for it', async () => {
    expect(await push('zzzz')).toBe('thrown git-protocol')
    expect(await push('fff1', Buffer.alloc(10))).toBe('thrown git-protocol')
    expect(await push('0003')).toBe('thrown git-protocol')
    expect(await push(pktLine('push please\n'), FLUSH)).toBe('thrown git-protocol')
    expect(await push(pktLine(`shallow ${first}`), command(ZERO, first, 'refs/heads/main'), FLUSH)).toBe('thrown push-shallow')
    const many = Array.from({ length: 600 }, (_, at) => command(ZERO, first, `refs/heads/b${at}`))
    expect(await push(...many, FLUSH)).toBe('thrown push-too-many-refs')
    expect(await push(FLUSH)).toBe('')
    expect(await push()).toBe('')
    expect(moves).toEqual([])
  })

  test.each(['refs/nimbus/x', 'HEAD', 'refs/heads/../../x', 'refs/heads/-x', 'refs/heads/a\u0001', '../../etc/passwd'])(
    '%j is no ref to push to',
    async (ref) => {
      expect(await push(command(ZERO, first, ref), FLUSH, wholePack(first))).toContain('only branches and tags are kept here')
      expect(moves).toEqual([])
    },
  )

  test('objects that are broken, cut off, of a foreign kind or not whole move nothing and leave nothing', async () => {
    const ask = command(ZERO, first, 'refs/heads/main')
    expect(await push(ask, FLUSH, 'no pack at all')).toContain('unpack index-pack:')
    const whole = wholePack(first)
    expect(await push(ask, FLUSH, whole.subarray(0, whole.length - 30))).toContain('unpack index-pack:')
    const wrong = Buffer.from(whole)
    wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1
    expect(await push(ask, FLUSH, wrong)).toContain('unpack index-pack:')
    // The commit without its tree; a tree as a branch; a tip that is not in the pack.
    expect(await push(ask, FLUSH, packOf(first))).toMatch(/unpack (index-pack|the history is not whole)/)
    const tree = text('rev-parse', 'HEAD^{tree}')
    expect(await push(command(ZERO, tree, 'refs/heads/tree'), FLUSH, packOf(tree, text('rev-parse', 'HEAD:a')))).toContain(
      'a branch points to a commit',
    )
    expect(await push(command(ZERO, 'f'.repeat(40), 'refs/heads/main'), FLUSH, whole)).toMatch(/unpack .*(whole|bad object|missing)/)
    expect(moves).toEqual([])
    expect(await repos.refs('app')).toEqual(new Map())
    expect(leftovers()).toEqual([])
  })

  test('a tree that would write into .git is refused by its objects', async () => {
    const blob = run('evil', 'hash-object', '-w', '--stdin').toString().trim()
    const inner = run(`100644 blob ${blob}\tconfig\n`, 'mktree').toString().trim()
    const raw = Buffer.concat([Buffer.from('40000 .git\0'), Buffer.from(inner, 'hex')])
    const tree = run(raw, 'hash-object', '-w', '-t', 'tree', '--literally', '--stdin').toString().trim()
    const tip = run(
      `tree ${tree}\nauthor t <t@t> 1 +0000\ncommitter t <t@t> 1 +0000\n\nx\n`,
      'hash-object',
      '-w',
      '-t',
      'commit',
      '--stdin',
    )
      .toString()
      .trim()
    expect(await push(command(ZERO, tip, 'refs/heads/evil'), FLUSH, packOf(tip, tree, inner, blob))).toMatch(/unpack index-pack: .*\.git/i)
    expect(moves).toEqual([])
  })

  test('a whole push moves its branch; the same objects again, a rewrite and a removal are told apart', async () => {
    expect(await push(command(ZERO, first, 'refs/heads/main'), FLUSH, wholePack(first))).toContain('unpack ok')
    expect((await repos.refs('app')).get('refs/heads/main')).toBe(first)
    const empty = packOf()
    expect(await push(command(ZERO, first, 'refs/heads/same'), FLUSH, empty)).toContain('ok refs/heads/same')
    const aside = run(
      `tree ${text('rev-parse', 'HEAD^{tree}')}\nauthor t <t@t> 1 +0000\ncommitter t <t@t> 1 +0000\n\naside\n`,
      'hash-object',
      '-w',
      '-t',
      'commit',
      '--stdin',
    )
      .toString()
      .trim()
    expect(await push(command(first, aside, 'refs/heads/main'), FLUSH, wholePack(aside))).toContain('ng refs/heads/main non-fast-forward')
    expect(await push(command(first, ZERO, 'refs/heads/main'), FLUSH)).toContain('ng refs/heads/main the default branch stays')
    expect(leftovers()).toEqual([])
  })

  test('lines come whole however the bytes are cut', async () => {
    const bytes = Buffer.concat([pktLine('one'), FLUSH, pktLine('two'), Buffer.from('rest')])
    for (const size of [1, 3, 1000]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))
      const reader = pktReader({ read: async () => pieces.shift() })
      expect(String(await reader.line())).toBe('one')
      expect(await reader.line()).toBe('flush')
      expect(String(await reader.line())).toBe('two')
      let rest = ''
      for (let piece = await reader.rest(); piece !== undefined; piece = await reader.rest()) rest += Buffer.from(piece).toString()
      expect(rest).toBe('rest')
    }
  })
})
