// Last words over real UDP on loopback.
import { createSocket } from 'node:dgram'
import { expect, onTestFinished, test } from 'vitest'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { silentLog } from '../../../node/kernel/log.ts'
import { createLastWordsListener, encodeLastWords, sealLastWords } from '../../../node/mesh/last-words.ts'
import { identityFromSeed } from '../../../node/trust/identity.ts'
import { DOMAIN } from '../../../protocols/trust.ts'
import { until } from './support.ts'

const psk = new Uint8Array(32).fill(3)
const mesh = 'm'.repeat(52)
const node = identityFromSeed(new Uint8Array(32).fill(1))
const other = identityFromSeed(new Uint8Array(32).fill(2))

function words(term: string, signer = node, key = psk): Uint8Array {
  const body = encodeLastWords({ v: 1, mesh, node: node.peerId, term })
  return sealLastWords(key, body, signer.sign(DOMAIN.lastWords, body))
}

test('only what the mesh sealed and the node itself signed is heard; the rest is dropped', async () => {
  const heard: string[] = []
  const listener = createLastWordsListener(
    {
      psk,
      mesh,
      clock: createSystemClock(),
      log: silentLog,
      verifyMember: (peer, domain, bytes, signature) => node.verifyPeer(peer, domain, bytes, signature),
      onLastWords: (from, term) => heard.push(`${from === node.peerId} ${term}`),
    },
    { host: '127.0.0.1', port: 0 },
  )
  const { port } = await listener.start()
  const socket = createSocket('udp4')
  onTestFinished(async () => {
    socket.close()
    await listener.stop()
  })
  const good = words('7.1')
  expect(good.length).toBeLessThanOrEqual(512)
  const bent = Buffer.from(good)
  bent[20] = (bent[20] ?? 0) ^ 1
  for (const datagram of [words('x', other), words('y', node, new Uint8Array(32)), bent, new Uint8Array(5), new Uint8Array(600), good])
    socket.send(datagram, port, '127.0.0.1')
  await until(() => heard.length > 0, 'the good one')
  expect(heard).toEqual(['true 7.1'])
})
