// A peer that dies by force, as a real process: the others notice at once, and its next life links again.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { identityFromSeed } from '../../../node/trust/identity.ts'
import type { PeerOrder } from './peer-process.ts'
import type { Member } from './support.ts'
import { bytesOf, createMember, until } from './support.ts'

const psk = new Uint8Array(32).fill(11)
const seed = new Uint8Array(32).fill(12)

function startPeer(founder: Member): ChildProcess {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  const order: PeerOrder = { seed: base64(seed), psk: base64(psk), trust: base64(founder.trust.encode()), dial: founder.host.addresses() }
  const child = spawn(process.execPath, [fileURLToPath(new URL('peer-process.ts', import.meta.url)), JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

test('a killed peer is down, and after a restart under the same identity it is up again', async () => {
  const founder = await createMember({ psk })
  const { peerId } = identityFromSeed(seed)
  await founder.trust.issue(peerId, 'box', 'member', 'test')
  const first = startPeer(founder)
  await until(() => founder.host.peers().includes(peerId), 'the first life links')
  first.kill('SIGKILL')
  await until(() => !founder.host.peers().includes(peerId), 'the death is noticed')
  startPeer(founder)
  await until(() => founder.host.peers().includes(peerId), 'the second life links')
}, 60_000)

test('a frozen peer that comes back while its old link stands is not shadowed by it', async () => {
  const founder = await createMember({ psk })
  const { peerId } = identityFromSeed(seed)
  await founder.trust.issue(peerId, 'box', 'member', 'test')
  const ups: string[] = []
  founder.host.events.on('peer-up', () => ups.push('up'))
  const frozen = startPeer(founder)
  await until(() => founder.host.peers().includes(peerId), 'the first life links')
  frozen.kill('SIGSTOP') // as after a power cut: no packet says that the old connection is gone
  const second = startPeer(founder)
  let heard = ''
  second.stdout?.on('data', (chunk: Buffer) => {
    heard += chunk.toString()
  })
  await until(() => ups.length === 2, 'the second life takes the link over')
  expect(founder.host.peers()).toEqual([peerId])
  await until(() => {
    founder.host.announce(bytesOf('still here?'))
    return heard.includes('still here?')
  }, 'gossip reaches the second life too')
}, 60_000)
