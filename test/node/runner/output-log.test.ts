// The framed log: order, limits, offsets, followers and damage.
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { createLogWriter, type LogChunk, openLog, readLog } from '../../../node/runner/output-log.ts'

const dir = mkdtempSync(join(tmpdir(), 'nimbus-log-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const clock = createSystemClock()

async function writer(name: string, bytesMax = 1e6, onGrowth: (size: number) => void = () => {}) {
  const path = join(dir, name)
  return { path, log: createLogWriter({ clock, file: await openLog(path), onGrowth }, { bytesMax }) }
}

async function collect(path: string, from = 0): Promise<LogChunk[]> {
  const chunks: LogChunk[] = []
  for await (const chunk of readLog(path, { from })) chunks.push(chunk)
  return chunks
}

const text = (chunks: LogChunk[]): string => Buffer.concat(chunks.map((chunk) => chunk.bytes)).toString()

test('frames keep the order of the streams, and neighbours of one stream share a frame', async () => {
  const { path, log } = await writer('order')
  for (const [stream, word] of [
    [1, 'a'],
    [1, 'b'],
    [2, 'c'],
    [1, 'd'],
  ] as const)
    await log.write(stream, Buffer.from(word))
  await log.end()
  expect((await collect(path)).map(({ offset, stream, bytes }) => [offset, stream, Buffer.from(bytes).toString()])).toEqual([
    [0, 1, 'ab'],
    [2, 2, 'c'],
    [3, 1, 'd'],
  ])
})

test('reading from any offset gives exactly the bytes from there on', async () => {
  const { path, log } = await writer('offsets')
  const whole = Array.from({ length: 40 }, (_, index) => `${index}:${'é'.repeat(5_000)}`)
  for (const [index, part] of whole.entries()) await log.write(index % 3 === 0 ? 2 : 1, Buffer.from(part))
  await log.end()
  const bytes = Buffer.from(whole.join(''))
  expect(log.size()).toBe(bytes.length)
  for (const from of [0, 1, 10_002, 65_535, 65_536, bytes.length - 1, bytes.length, bytes.length + 5]) {
    expect(text(await collect(path, from)) === bytes.subarray(from).toString()).toBe(true)
  }
})

test('a write waits while more than the queue is unwritten', async () => {
  const { log } = await writer('pressure')
  const sizes: number[] = []
  for (let index = 0; index < 16; index++) {
    const room = log.write(1, Buffer.alloc(60_000))
    sizes.push(await Promise.race([room.then(() => 1), new Promise<number>((resolve) => setImmediate(() => resolve(0)))]))
    await room
  }
  await log.end()
  expect(sizes).toContain(0)
})

test('a follower is woken by growth and stops when the run is done', async () => {
  let change = Promise.withResolvers<void>()
  let done = false
  const { path, log } = await writer('follow', 1e6, () => {
    const { resolve } = change
    change = Promise.withResolvers()
    resolve()
  })
  const following = (async () => {
    const seen: LogChunk[] = []
    for await (const chunk of readLog(path, { from: 0, follow: { done: () => done, changed: () => change.promise } })) {
      seen.push(chunk)
      if (text(seen) === 'onetwo') done = true
      else await log.write(1, Buffer.from('two'))
      change.resolve()
    }
    return seen
  })()
  await log.write(1, Buffer.from('one'))
  expect(text(await following)).toBe('onetwo')
  await log.end()
})

test('a follower that is aborted ends without waiting for output', async () => {
  const { path, log } = await writer('abort')
  const controller = new AbortController()
  setImmediate(() => controller.abort())
  for await (const _ of readLog(path, {
    from: 0,
    follow: { done: () => false, changed: () => new Promise(() => {}) },
    signal: controller.signal,
  }))
    expect.unreachable()
  await log.end()
})

test('a frame that was cut off by a crash is left out, and what came before it stands', async () => {
  const { path, log } = await writer('torn')
  await log.write(1, Buffer.from('whole'))
  await log.write(2, Buffer.from('torn'))
  await log.end()
  truncateSync(path, 13 + 5 + 13 + 2)
  expect(text(await collect(path))).toBe('whole')
})

test('a damaged log is refused with the place of the damage', async () => {
  const { path, log } = await writer('damaged')
  await log.write(1, Buffer.from('sound'))
  await log.end()
  appendFileSync(path, Buffer.alloc(20, 0xff))
  await expect(collect(path)).rejects.toMatchObject({ code: 'log-corrupt', message: expect.stringContaining('at byte 5') })
})

test('a log that is not there says so', async () => {
  await expect(collect(join(dir, 'nothing'))).rejects.toMatchObject({ code: 'log-missing', kind: 'missing' })
})

test('a log that cannot be opened names the file and the cure', async () => {
  writeFileSync(join(dir, 'file'), '')
  await expect(openLog(join(dir, 'file', 'log'))).rejects.toMatchObject({
    code: 'log-not-writable',
    message: expect.stringContaining('ENOTDIR'),
  })
})

test('on a full disk the bytes are counted as dropped and nothing throws', async () => {
  const log = createLogWriter({ clock, file: await openLog('/dev/full'), onGrowth: () => {} }, { bytesMax: 1e6 })
  await log.write(1, Buffer.alloc(300_000))
  await log.write(1, Buffer.alloc(10))
  await log.end()
  expect(log.droppedBytes()).toBe(300_010)
  expect(log.size()).toBe(0)
})

test('a follower that comes before the log is there waits for it', async () => {
  const path = join(dir, 'late')
  let over = false
  let grown = Promise.withResolvers<void>()
  const follow = { done: () => over, changed: () => grown.promise }
  const wake = () => {
    const { resolve } = grown
    grown = Promise.withResolvers()
    resolve()
  }
  const read = (async () => {
    const parts: string[] = []
    for await (const chunk of readLog(path, { from: 0, follow })) parts.push(Buffer.from(chunk.bytes).toString())
    return parts.join('')
  })()
  wake()
  const log = createLogWriter({ clock, file: await openLog(path), onGrowth: wake }, { bytesMax: 1e6 })
  await log.write(1, Buffer.from('here'))
  await log.end()
  over = true
  wake()
  expect(await read).toBe('here')
})

test('a follower of a run that ended without a log ends too', async () => {
  const follow = { done: () => true, changed: () => Promise.resolve() }
  for await (const _ of readLog(join(dir, 'never'), { from: 0, follow })) throw new Error('nothing can be read')
})
