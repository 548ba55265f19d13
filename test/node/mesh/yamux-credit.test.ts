import { multiaddrConnectionPair } from '@libp2p/utils'
import { expect, test } from 'vitest'
import { thriftyYamux } from '../../../node/mesh/yamux-credit.ts'
import { until } from '../../support/until.ts'

/** Two muxers back to back; counts what the receiving side sends, and how much the reader got. */
async function pair() {
  const [near, far] = multiaddrConnectionPair({ delay: 0 })
  const sides = [near, far].map((connection) => thriftyYamux({ enableKeepAlive: false })().createStreamMuxer(connection))
  const counted = { received: 0, sentBack: 0 }
  sides[1]?.addEventListener('stream', ({ detail }) =>
    detail.addEventListener('message', ({ data }) => (counted.received += data.byteLength)),
  )
  near.addEventListener('message', () => counted.sentBack++)
  const stream = await sides[0]?.createStream()
  if (stream === undefined) throw new Error('no stream')
  return { stream, counted }
}

test('small frames are not answered with a window update each', async () => {
  const { stream, counted } = await pair()
  for (let index = 1; index <= 200; index++) {
    stream.send(new Uint8Array(50))
    await until(() => counted.received === index * 50, { what: `frame ${index}`, intervalMs: 1 })
  }
  expect(counted.sentBack).toBeLessThan(5)
})

test('far more than a window passes, because credit comes in time', async () => {
  const { stream, counted } = await pair()
  const piece = new Uint8Array(64 * 1024)
  const pieces = 64
  for (let index = 0; index < pieces; index++) {
    if (!stream.send(piece)) await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
  }
  await until(() => counted.received === pieces * piece.length, { what: 'all bytes' })
  expect(counted.sentBack).toBeGreaterThan(5)
})
