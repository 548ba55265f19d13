// Who is not invited does not get in: each refusal has its own message and exit code at the stranger, and is counted at the
// listener where the stranger reached the protocol.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { silentLog } from '../../../node/kernel/log.ts'
import { createSystemRandom } from '../../../node/kernel/random.ts'
import { createMeshHost, type MeshHostComponents } from '../../../node/mesh/host.ts'
import { identityFromSeed } from '../../../node/trust/identity.ts'
import { decodeInvite, encodeInvite, type Invite } from '../../../protocols/trust.ts'
import { BIN, cleanEnv, type CliResult, createRealMesh, type RealMesh, type RealNode, runCli } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { PATIENCE_MS } from './promise-mesh.ts'

const REFUSED_MS_MAX = 10_000
const UNREACHABLE_MS_MAX = 30_000

let mesh: RealMesh
let founder: RealNode
let count = 0
beforeAll(async () => {
  mesh = await createRealMesh()
  founder = await mesh.add('founder')
})
afterAll(async () => {
  await mesh?.close()
})

async function inviteText(...flags: string[]): Promise<string> {
  return (JSON.parse((await founder.cli('invite', '--json', ...flags)).stdout) as { invite: string }).invite
}

function opened(text: string): Invite {
  const invite = decodeInvite(text)
  if (!('seed' in invite)) throw new Error('the invite cannot be read')
  return invite
}

/** Tries to join as a user would; returns how that ended and how long it took. */
async function tryJoin(invite: string): Promise<CliResult & { ms: number }> {
  const startedAtMs = Date.now()
  const args = [
    'up',
    '--json',
    '--data',
    join(mesh.dir, `stranger-${count++}`),
    '--name',
    'stranger',
    '--http',
    '127.0.0.1:0',
    '--listen',
    '/ip4/127.0.0.1/tcp/0',
    '--join',
    invite,
  ]
  const result = await runCli(args, { timeoutMs: PATIENCE_MS })
  return { ...result, ms: Date.now() - startedAtMs }
}

async function refusedCount(reason: string): Promise<number> {
  const response = await fetch(`${founder.ready.http}/metrics`, { headers: { authorization: `Bearer ${founder.token}` } })
  expect(response.status).toBe(200)
  return Number(new RegExp(`^nimbus_strangers_refused\\{reason="${reason}"\\} (\\d+)`, 'm').exec(await response.text())?.[1] ?? 0)
}

/** What a refusal looks like from both sides; `counted` tells whether the listener counted it under that reason. */
async function refusal(invite: string, reason = 'none') {
  const before = await refusedCount(reason)
  const { code, stdout, stderr, ms } = await tryJoin(invite)
  const strangers = (await founder.mesh()).members.filter(({ name }) => name.startsWith('stranger'))
  return { code, stdout, message: stderr, inTime: ms < REFUSED_MS_MAX, counted: (await refusedCount(reason)) > before, strangers }
}

const refused = (message: RegExp, counted: boolean) => ({
  code: 4,
  stdout: '',
  message: expect.stringMatching(message) as string,
  inTime: true,
  counted,
  strangers: [],
})

test('what is not an invite, an altered one and a cut one are refused before anything is sent', async () => {
  const invite = await inviteText()
  const at = 40
  const altered = invite.slice(0, at) + (invite[at] === 'a' ? 'b' : 'a') + invite.slice(at + 1)
  expect(await refusal('hello')).toEqual(refused(/That is not an invite/, false))
  expect(await refusal(altered)).toEqual(refused(/altered or cut/, false))
  expect(await refusal(invite.slice(0, -5))).toEqual(refused(/altered or cut/, false))
})

test('an invite with a right checksum and a wrong secret does not prove itself', async () => {
  expect(await refusal(encodeInvite({ ...opened(await inviteText()), seed: randomBytes(32) }), 'invite-proof')).toEqual(
    refused(/could not prove/, true),
  )
})

test('an invite that the node never made is unknown', async () => {
  expect(await refusal(encodeInvite({ ...opened(await inviteText()), id: 'aaaaaaaaaaaaaaaa' }), 'invite-unknown')).toEqual(
    refused(/does not know it/, true),
  )
})

test('an expired invite is refused on both sides', async () => {
  const invite = await inviteText('--expires', '1s')
  await pause(opened(invite).expiresAt - Date.now() + 50)
  expect(await refusal(invite)).toEqual(refused(/expired/, false))
  // A stranger whose clock is wrong, or who lies about the date, meets the listener's own.
  expect(await refusal(encodeInvite({ ...opened(invite), expiresAt: Date.now() + 600_000 }), 'invite-expired')).toEqual(
    refused(/expired/, true),
  )
})

test('an invite from stdin works once; a second use is refused', async () => {
  const invite = await inviteText()
  const args = [
    'up',
    '--json',
    '--data',
    join(mesh.dir, 'guest'),
    '--name',
    'guest',
    '--http',
    '127.0.0.1:0',
    '--listen',
    '/ip4/127.0.0.1/tcp/0',
    '--join',
    '-',
  ]
  const child = spawn(process.execPath, [BIN, ...args], { env: cleanEnv(), stdio: ['pipe', 'ignore', 'inherit'] })
  try {
    child.stdin.end(`${invite}\n`)
    await until(async () => (await founder.mesh()).members.some(({ name, state }) => name === 'guest' && state === 'alive'), {
      what: 'the guest to be a member',
      timeoutMs: PATIENCE_MS,
    })
    expect(await refusal(invite, 'invite-used')).toEqual(refused(/already used/, true))
  } finally {
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
})

test('a stranger with another key is cut off before the encryption stands', async () => {
  const before = await refusedCount('handshake')
  const result = await tryJoin(encodeInvite({ ...opened(await inviteText()), psk: randomBytes(32) }))
  expect([result.code, result.stdout]).toEqual([4, ''])
  expect(result.stderr).toMatch(/another pre-shared key/)
  expect(result.ms).toBeLessThan(REFUSED_MS_MAX)
  await until(async () => (await refusedCount('handshake')) > before, { what: 'the stranger to be counted', timeoutMs: PATIENCE_MS })
})

test('an address where nobody answers is told as unreachable', async () => {
  const invite = opened(await inviteText())
  const result = await tryJoin(encodeInvite({ ...invite, addresses: ['/ip4/127.0.0.1/tcp/9'] }))
  expect([result.code, result.stdout]).toEqual([5, ''])
  expect(result.stderr).toMatch(/\/tcp\/9|reach/)
  expect(result.ms).toBeLessThan(UNREACHABLE_MS_MAX)
})

test('who holds the key of the mesh but no certificate of it gets no link and is told why', async () => {
  const invite = opened(await inviteText())
  const before = await refusedCount('not-a-member')
  const stranger = keyHolder(invite)
  try {
    await stranger.start()
    await expect(
      stranger.dial(invite.addresses.map((address) => `${address.replace(/\/p2p\/[^/]+$/, '')}/p2p/${invite.redeemer}`)),
    ).rejects.toMatchObject({ code: 'not-a-member' })
    await until(async () => (await refusedCount('not-a-member')) > before, { what: 'the stranger to be counted', timeoutMs: PATIENCE_MS })
    expect(stranger.peers()).toEqual([])
  } finally {
    await stranger.stop()
  }
})

/** A host of this very product that holds the mesh's key, trusts everybody, and has nothing that an admin signed. */
function keyHolder(invite: Invite) {
  const [clock, random] = [createSystemClock(), createSystemRandom()]
  const admission: MeshHostComponents['admission'] = {
    hello: () => new Uint8Array(0),
    news: () => [],
    admit: () => ({ ok: true }),
    isMember: () => true,
    isRemoved: () => false,
    guestsAllowed: () => false,
    join: () => Promise.resolve(undefined),
  }
  return createMeshHost(
    {
      identity: identityFromSeed(random.bytes(32)),
      psk: invite.psk,
      mesh: invite.mesh,
      clock,
      random,
      log: silentLog,
      admission,
      book: { load: async () => [], save: async () => {} },
    },
    { listen: [] },
  )
}
