// Pipes over real TCP: bytes both ways, a refusal by name, a side that does not read holds the other back, limits, strangers.
import { expect, test } from 'vitest'
import { NimbusError } from '../../../node/kernel/errors.ts'
import type { Pipe } from '../../../node/mesh/link/pipes.ts'
import { PIPES_PER_PEER_MAX } from '../../../node/mesh/link/pipes.ts'
import type { Member } from './support.ts'
import { until as eventually } from '../../support/until.ts'
import { bytesOf, createMembers, textOf, until } from './support.ts'

async function linkedPair(): Promise<[Member, Member]> {
  const [a, b] = await createMembers(2)
  if (a === undefined || b === undefined) throw new Error('two members')
  await a.host.dial(b.host.addresses())
  await until(() => b.host.peers().length === 1, 'linked')
  return [a, b]
}

async function readAll(pipe: Pick<Pipe, 'read'>): Promise<string> {
  let text = ''
  for (let piece = await pipe.read(); piece !== undefined; piece = await pipe.read()) text += textOf(piece)
  return text
}

test('bytes go both ways, each side ends for itself, and the asked one knows who asks for what', async () => {
  const [a, b] = await linkedPair()
  b.host.onPipe(async (peer, body) => async (pipe) => {
    await pipe.write(bytesOf(`${peer === a.host.self} ${textOf(body)} `))
    const text = await readAll(pipe)
    await pipe.write(bytesOf(`got ${text.length}`))
  })
  const pipe = await a.host.pipe(b.host.self, bytesOf('echo'))
  await pipe.write(new Uint8Array(3_000_000).fill(65))
  await pipe.end()
  expect(await readAll(pipe)).toBe('true echo got 3000000')
  pipe.abort('done')
})

test('a refusal reaches the one who asked with its code, kind and cure; so does a failure in the middle', async () => {
  const [a, b] = await linkedPair()
  b.host.onPipe(async (_, body) => {
    if (textOf(body) === 'no') throw new NimbusError('not-you', 'You may not.', { kind: 'refused', cure: 'Ask another.' })
    return async (pipe) => {
      await pipe.write(bytesOf('half'))
      throw new NimbusError('broke', 'It broke.', { kind: 'busy' })
    }
  })
  await expect(a.host.pipe(b.host.self, bytesOf('no'))).rejects.toMatchObject({ code: 'not-you', kind: 'refused', cure: 'Ask another.' })
  const pipe = await a.host.pipe(b.host.self, bytesOf('yes'))
  expect(textOf((await pipe.read()) ?? new Uint8Array())).toBe('half')
  await expect(pipe.read()).rejects.toMatchObject({ code: 'broke', kind: 'busy' })
})

test('a side that does not read holds the other back, and gets everything when it reads on', async () => {
  const [a, b] = await linkedPair()
  const piece = new Uint8Array(100_000).fill(1)
  const total = 200
  let written = 0
  b.host.onPipe(async () => async (pipe) => {
    for (; written < total; written++) await pipe.write(piece)
  })
  const pipe = await a.host.pipe(b.host.self, bytesOf('flood'))
  let [before, still] = [-1, 0]
  await until(() => {
    still = written > 0 && written === before ? still + 1 : 0
    before = written
    return still === 30
  }, 'the writer to wait')
  expect(written, 'a window or two, not twenty megabytes').toBeLessThan(total / 2)
  let bytes = 0
  for (let got = await pipe.read(); got !== undefined; got = await pipe.read()) bytes += got.length
  expect(bytes).toBe(total * piece.length)
})

test('one peer opens so many at once, one more is refused as busy, and an end makes room', async () => {
  const [a, b] = await linkedPair()
  let gone = 0
  b.host.onPipe(async (_, __, signal) => async (pipe) => {
    signal.addEventListener('abort', () => gone++)
    await pipe.read()
  })
  const open = await Promise.all(Array.from({ length: PIPES_PER_PEER_MAX }, () => a.host.pipe(b.host.self, bytesOf('x'))))
  await expect(a.host.pipe(b.host.self, bytesOf('x'))).rejects.toMatchObject({ code: 'busy' })
  open[0]?.abort('enough')
  await until(() => gone >= 1, 'the end to be seen')
  // Refused until the end of the one before is seen.
  await eventually(() => a.host.pipe(b.host.self, bytesOf('x')).catch(() => undefined), { what: 'room for another' })
})
