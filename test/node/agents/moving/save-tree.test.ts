// The work tree of a session, packed and put back elsewhere by real git: what was committed, what was not, what is gone; with a repository
// and without. A link out of the tree stays a link.
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createEnclosure, type Enclosure } from '../../../../node/agents/host/enclosure.ts'
import { type Places, placesOf } from '../../../../node/agents/host/notes/host-order.ts'
import { PACK_SCRIPT, UNPACK_SCRIPT } from '../../../../node/agents/host/saving/save-tree.ts'
import { createSystemClock } from '../../../../node/kernel/clock.ts'

const IDENTITY = { GIT_AUTHOR_NAME: 'x', GIT_AUTHOR_EMAIL: 'x@y', GIT_COMMITTER_NAME: 'x', GIT_COMMITTER_EMAIL: 'x@y' }
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nimbus-save-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function places(name: string): Places {
  const made = placesOf(join(dir, name))
  for (const folder of [made.tree, made.config, made.save]) mkdirSync(folder, { recursive: true })
  return made
}

function enclosure(of: Places): Enclosure {
  return createEnclosure({ clock: createSystemClock(), places: of, tier: 'none', gate: '', environment: process.env, given: IDENTITY })
}

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', env: { ...process.env, ...IDENTITY } }).trim()

async function packed(from: Places, base: string, shadow: string): Promise<Record<string, string>> {
  const end = await enclosure(from).script(PACK_SCRIPT, [from.save, base, from.config, shadow], { writable: [from.save] })
  expect(end.exitCode, end.output).toBe(0)
  return Object.fromEntries([...end.output.matchAll(/^saved-(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]))
}

async function unpacked(from: Places, to: Places, facts: Record<string, string>, own: string): Promise<void> {
  for (const name of ['config.tar', 'tree.bundle']) writeFileSync(join(to.save, name), readFileSync(join(from.save, name)))
  const args = [to.save, to.config, facts['files'] ?? '', facts['head'] ?? '', facts['branch'] ?? '', own, '-old-tree', '-new-tree']
  const end = await enclosure(to).script(UNPACK_SCRIPT, args, { writable: [to.save, to.config] })
  expect(end.exitCode, end.output).toBe(0)
}

test('a repository: commits of its branch, changes that are in none, and the conversation under its new name', async () => {
  const from = places('from')
  git(from.tree, 'init', '-q', '-b', 'main')
  for (const name of ['kept', 'changed', 'gone']) writeFileSync(join(from.tree, name), name)
  writeFileSync(join(from.tree, '.gitignore'), 'secret.env\n')
  git(from.tree, 'add', '-A')
  git(from.tree, 'commit', '-qm', 'base')
  const base = git(from.tree, 'rev-parse', 'HEAD')
  const to = places('to')
  git(dir, 'clone', '-q', from.tree, to.tree)
  git(from.tree, 'checkout', '-q', '-b', 'nimbus/s1')
  writeFileSync(join(from.tree, 'done'), 'committed')
  git(from.tree, 'add', '-A')
  git(from.tree, 'commit', '-qm', 'done')
  writeFileSync(join(from.tree, 'changed'), 'otherwise')
  writeFileSync(join(from.tree, 'new'), 'not added')
  writeFileSync(join(from.tree, 'secret.env'), 'ignored')
  rmSync(join(from.tree, 'gone'))
  symlinkSync('/etc/hostname', join(from.tree, 'link'))
  mkdirSync(join(from.config, 'projects', '-old-tree'), { recursive: true })
  writeFileSync(join(from.config, 'projects', '-old-tree', 'c.jsonl'), '{}\n')
  const status = git(from.tree, 'status', '--porcelain')
  await packed(from, base, '')
  // Again, as it is while a session runs: the second save begins with what the first one left.
  await unpacked(from, to, await packed(from, base, ''), 'yes')
  expect(git(to.tree, 'status', '--porcelain')).toBe(status)
  expect(git(from.tree, 'status', '--porcelain')).toBe(status)
  expect(git(to.tree, 'symbolic-ref', 'HEAD')).toBe('refs/heads/nimbus/s1')
  expect(git(to.tree, 'rev-parse', 'HEAD')).toBe(git(from.tree, 'rev-parse', 'HEAD'))
  expect(readFileSync(join(to.tree, 'changed'), 'utf8')).toBe('otherwise')
  expect(lstatSync(join(to.tree, 'link')).isSymbolicLink() && readlinkSync(join(to.tree, 'link'))).toBe('/etc/hostname')
  expect(['gone', 'secret.env'].filter((name) => existsSync(join(to.tree, name)))).toEqual([])
  expect(existsSync(join(to.config, 'projects', '-new-tree', 'c.jsonl'))).toBe(true)
})

test('a folder without a repository, and one that the agent made itself', async () => {
  const from = places('plain')
  mkdirSync(join(from.tree, 'sub'))
  writeFileSync(join(from.tree, 'sub', 'file'), 'text')
  const to = places('plain-to')
  await unpacked(from, to, await packed(from, '', join(from.save, 'shadow')), '')
  expect(readFileSync(join(to.tree, 'sub', 'file'), 'utf8')).toBe('text')
  expect(existsSync(join(to.tree, '.git'))).toBe(false)
  // And on from there: its next save is of the new place.
  writeFileSync(join(to.tree, 'more'), 'text')
  const third = places('plain-third')
  await unpacked(to, third, await packed(to, '', join(to.save, 'shadow')), '')
  expect(readFileSync(join(third.tree, 'more'), 'utf8')).toBe('text')

  const own = places('own')
  git(own.tree, 'init', '-q', '-b', 'work')
  writeFileSync(join(own.tree, 'a'), 'a')
  const fresh = places('own-to')
  await unpacked(own, fresh, await packed(own, '', ''), 'yes')
  expect(readFileSync(join(fresh.tree, 'a'), 'utf8')).toBe('a')
})
