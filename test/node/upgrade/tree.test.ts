// What a tree says of itself, and whether a commit is signed: with real git and real keys.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readSignedCommit } from '../../../node/repos/signed-commit.ts'
import { parseFollow } from '../../../node/upgrade/policy.ts'
import { signatureObjection } from '../../../node/upgrade/stage/signature.ts'
import { commitOfTree } from '../../../node/upgrade/stage/tree-commit.ts'
import { readPointer, writePointer } from '../../../node/upgrade/supervise/pointer.ts'

const dir = mkdtempSync(join(tmpdir(), 'nimbus-tree-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const env = { PATH: process.env['PATH'] ?? '', HOME: dir, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' }
const run = (file: string, ...args: string[]): string =>
  execFileSync(file, args, { cwd: dir, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
const repo = join(dir, 'repo')
const git = (...args: string[]): string =>
  run('git', '-C', repo, '-c', 'user.name=T', '-c', 'user.email=t@example.org', '-c', 'gpg.format=ssh', ...args)
mkdirSync(repo)
git('init', '-q', '-b', 'main')

test.each(['ed25519', 'rsa'])('a commit signed with %s counts for the listed key alone, and not when it was changed', async (type) => {
  const key = join(dir, type)
  run('ssh-keygen', '-q', '-t', type, '-N', '', '-C', 'ann', '-f', key)
  run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'bob', '-f', `${key}-other`)
  const [ann = '', bob = ''] = [key, `${key}-other`].map((file) => readFileSync(`${file}.pub`, 'utf8').trim())
  git('-c', `user.signingkey=${key}`, 'commit', '-q', '-S', '--allow-empty', '-m', 'signed, naïvely\n\ngpgsig in two parts')
  const signed = await readSignedCommit(repo, git('rev-parse', 'HEAD'))
  expect(signatureObjection(signed, [bob, ann])).toBeUndefined()
  expect(signatureObjection(signed, [bob])).toBe('it is signed by a key that is not listed')
  expect(signatureObjection({ ...signed, payload: `${signed.payload} ` }, [ann])).toBe('its signature by ann is wrong')
  expect(signatureObjection({ ...signed, signature: signed.signature?.slice(0, 120) }, [ann])).toBe('its signature cannot be read')
  git('commit', '-q', '--allow-empty', '-m', 'plain')
  expect(signatureObjection(await readSignedCommit(repo, git('rev-parse', 'HEAD')), [ann])).toBe('it is not signed')
})

test('the commit of a clone, of a work tree and of packed refs', () => {
  const head = git('rev-parse', 'HEAD')
  expect(commitOfTree(repo)).toBe(head)
  git('worktree', 'add', '-q', '-b', 'side', join(dir, 'side'))
  expect(commitOfTree(join(dir, 'side'))).toBe(head)
  git('pack-refs', '--all')
  expect(commitOfTree(repo)).toBe(head)
  expect(commitOfTree(join(dir, 'side'))).toBe(head)
  git('checkout', '-q', '--detach')
  expect(commitOfTree(repo)).toBe(head)
  expect(commitOfTree(dir)).toBeUndefined()
})

test('the pointer is read back whole; one of another base, or a torn one, does not count', async () => {
  const pointer = { base: 'a', current: { commit: 'b', dir: '/b' } }
  await writePointer(dir, pointer)
  expect(await readPointer(dir, 'a')).toEqual(pointer)
  expect(await readPointer(dir, 'other')).toEqual({ base: 'other' })
  writeFileSync(join(dir, 'versions', 'pointer.json'), '{"base":"a","cur')
  expect(await readPointer(dir, 'a')).toEqual({ base: 'a' })
})

test('only the http address of a repository, or one of the mesh, and a branch can be followed', () => {
  expect(parseFollow('nimbus://mesh/nimbus')).toEqual({ url: 'nimbus://mesh/nimbus', branch: 'main' })
  expect(parseFollow('https://example.org/n.git#stable')).toEqual({ url: 'https://example.org/n.git', branch: 'stable' })
  expect(parseFollow('http://example.org/n.git/')).toEqual({ url: 'http://example.org/n.git', branch: 'main' })
  for (const bad of [
    '',
    'ext::sh -c x',
    'file:///etc',
    'nimbus://mesh/../x',
    'nimbus://box/nimbus',
    'https://u:p@example.org/n',
    'https://example.org/n#-x',
    'https://example.org/n#a..b',
    '--upload-pack=x',
  ])
    expect(parseFollow(bad), bad).toBeUndefined()
})
