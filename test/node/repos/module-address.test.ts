// What `.gitmodules` says, read as text: which addresses become those of submodules, and which are refused by name before anything is
// asked of them.
import { expect, test } from 'vitest'
import { assertNotInward } from '../../../node/repos/modules/inward.ts'
import { addressOf, readModules } from '../../../node/repos/modules/module-address.ts'

test('.gitmodules is read as git reads it: quotes, escapes, comments, the last word of a key', () => {
  const text = [
    '# comment',
    '[submodule "a"] path = libs/a ; not this',
    '\turl = "https://example.org/a#b.git" # nor this',
    '[core]\n\tpath = no',
    '[Submodule "q\\"x"]\r\n\tPATH = "with space/"\r\n\turl = one\r\n\turl = ../two.git',
    '[submodule "no-url"]\n\tpath = x',
    '[submodule "no-path"]\n\turl = ../x.git',
  ].join('\n')
  expect([...readModules(text)]).toEqual([
    ['libs/a', { name: 'a', url: 'https://example.org/a#b.git' }],
    ['with space', { name: 'q"x', url: '../two.git' }],
  ])
})

const HOSTILE: [string, string, RegExp, string?][] = [
  ['a helper that runs a command', 'ext::sh -c "touch x"', /https, http, ssh and nimbus only/],
  ['a helper that reads a descriptor', 'fd::17', /https, http, ssh and nimbus only/],
  ['a file of this machine', 'file:///etc', /https, http, ssh and nimbus only/],
  ['a protocol without proof', 'git://example.org/x.git', /https, http, ssh and nimbus only/],
  ['a path of this machine', '/etc', /is no URL/],
  ['an option', '--upload-pack=touch x', /is no URL/],
  ['an option as the host', 'ssh://-oProxyCommand=x/x', /no ssh address/],
  ['a command in the short form', 'git@h:x;touch$IFS/x', /no ssh address/],
  ['a password in the address', 'https://u:hunter2@example.org/x', /carries credentials/],
  ['a repository of the mesh', 'nimbus://mesh/secret', /only a repository of the mesh/],
  ['a way above the host', '../../../x.git', /above the root/],
  ['no more encryption', 'http://h/lib.git', /its address is http/],
  ['a name that leads out', '../lib.git', /leads out/, '../../hooks'],
  ['a name in .git', '../lib.git', /leads out/, 'x/.GIT/hooks'],
]
test.each(HOSTILE)('submodule refused: %s', (_name, url, why, name = 'a') => {
  const ask = (): string => addressOf('https://h/team/app.git', { path: 'a', name, commit: '1'.repeat(40), url })
  expect(ask).toThrow(why)
  expect(ask).not.toThrow(/hunter2/)
})

test('a submodule beside its parent, over ssh, in the short form', () => {
  const at = (parent: string, url: string): string => addressOf(parent, { path: 'a', name: 'a', commit: '1'.repeat(40), url })
  expect(at('https://h/team/app.git', '../lib.git')).toBe('https://h/team/lib.git')
  expect(at('ssh://git@h:2222/team/app.git', '../../x/lib.git')).toBe('ssh://git@h:2222/x/lib.git')
  expect(at('nimbus://mesh/app', '../lib')).toBe('nimbus://mesh/lib')
  expect(at('https://h/app.git', 'git@github.com:team/lib.git')).toBe('ssh://git@github.com/team/lib.git')
  expect(() => at('nimbus://mesh/app', '../..')).toThrow(/not fetched/)
})

test('a repository from outside names nothing inside; what is inside itself may', async () => {
  const known: Record<string, string[]> = {
    'git.example.org': ['203.0.113.7'],
    inner: ['203.0.113.9', '10.1.2.3'],
    localhost: ['127.0.0.1'],
  }
  const check = (parent: string, url: string): Promise<void> =>
    assertNotInward(parent, url, 'a', (host) => Promise.resolve(known[host] ?? []))
  const outside = 'https://git.example.org/x.git'
  const inward = [
    'http://127.0.0.1/x',
    'http://0x7f.1/x',
    'http://2130706433/x',
    'http://[::1]/x',
    'http://[::ffff:10.0.0.1]/x',
    'http://169.254.169.254/x',
    'http://localhost./x',
    'http://inner/x',
    'ssh://git@192.168.1.1/x',
    'http://0.0.0.0/x',
    'http://[fd00:ec2::254]/x',
  ]
  for (const url of inward) await expect(check(outside, url), url).rejects.toMatchObject({ code: 'repo-submodule-refused' })
  await check(outside, 'https://other.example.org/x')
  await check('http://inner/top.git', 'http://10.0.0.9/x.git')
  await check('http://127.0.0.1:80/top.git', 'http://127.0.0.1:81/x.git')
})
