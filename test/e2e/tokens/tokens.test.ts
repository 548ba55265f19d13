// Tokens of the mesh between real nodes: made with the CLI at one, taken by both, refused at both once one revoked it, also after a restart;
// the text is on no disk.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MadeToken, TokenView } from '../../../protocols/access/token-views.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh, runCli } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'

const TEST_MS = 120_000
let mesh: RealMesh
let one: RealNode
let other: RealNode
beforeAll(async () => {
  mesh = await createRealMesh()
  one = await mesh.add('one')
  other = await mesh.add('other')
  await mesh.settled()
}, TEST_MS)
afterAll(() => mesh?.close())

const make = async (node: RealNode, ...args: string[]): Promise<MadeToken> =>
  JSON.parse((await node.cli('token', 'create', ...args, '--json')).stdout) as MadeToken
const ask = async (node: RealNode, token: string): Promise<string> => {
  const response = await fetch(`${node.ready.http}/api/tasks`, { headers: { authorization: `Bearer ${token}` } })
  const body = (await response.json()) as { code?: string }
  return `${response.status} ${body.code ?? ''}`.trim()
}
const answers = (node: RealNode, token: string, wanted: string): Promise<unknown> =>
  until(async () => (await ask(node, token)) === wanted, { what: `${wanted} from ${node.name}`, timeoutMs: 30_000 })

test('made at one node it counts at the other; revoked at the other it is refused at both, and a stream that is open with it ends', {
  timeout: TEST_MS,
}, async () => {
  const { token, id, at } = await make(one, 'ci', '--role', 'developer', '--expires', '1h')
  expect(at).toBe('mesh')
  await answers(other, token, '200')
  // As a program elsewhere uses it: with the CLI, by address and token.
  const run = await runCli(['--url', other.ready.http, '--token', token, 'task', 'run', '--', 'echo', 'by token'])
  expect([run.code, run.stdout]).toEqual([0, 'by token\n'])
  const refused = await runCli(['--url', other.ready.http, '--token', token, 'secret', 'ls'])
  expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('it holds mesh.read')])

  const stream = await fetch(`${one.ready.http}/api/events`, { headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' } })
  let over = false
  const read = async (): Promise<void> => {
    for await (const piece of stream.body ?? []) void piece
  }
  void read()
    .catch(() => {}) // it is cut off
    .finally(() => (over = true))
  const { stdout } = await other.cli('token', 'revoke', 'ci')
  expect(stdout).toBe(`ci (${id}) is revoked.\n`)
  expect(await ask(other, token)).toBe('401 token-revoked')
  await answers(one, token, '401 token-revoked')
  await until(() => over, { what: 'the end of the stream at the first node', timeoutMs: 30_000 })
})

test('of a member that is no admin it counts there alone; its text is on no disk, and a restart forgets no revocation', {
  timeout: TEST_MS,
}, async () => {
  const own = await make(other, 'own')
  expect(own.at).toBe('other')
  expect(await ask(other, own.token)).toBe('200')
  await answers(one, own.token, '401 token-elsewhere')
  const kept = await make(one, 'kept')
  const gone = await make(one, 'gone')
  await one.cli('token', 'revoke', 'gone')
  await one.stop()
  const secrets = [own, kept, gone].map(({ token }) => token.slice(-43))
  for (const name of readdirSync(one.dataDir, { recursive: true, withFileTypes: true })) {
    const file = join(name.parentPath, name.name)
    if (name.isFile()) for (const secret of secrets) expect([file, readFileSync(file).includes(secret)]).toEqual([file, false])
  }
  await one.restart()
  expect([await ask(one, kept.token), await ask(one, gone.token)]).toEqual(['200', '401 token-revoked'])
  const { stdout } = await one.cli('token', 'ls', '--json')
  const names = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as TokenView)
  expect(names.map(({ name, role, state }) => [name, role, state])).toEqual([
    ['kept', 'viewer', 'valid'],
    ['own', 'viewer', 'valid'],
  ])
})
