// Clients of a terminal against each other and against its node: one writes, the rest are told; what is hostile is refused by name.
import { WebSocket } from 'ws'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { attachTo, openTerminal } from './attached.ts'

let mesh: RealMesh
let alder: RealNode
let birch: RealNode

beforeAll(async () => {
  mesh = await createRealMesh()
  alder = await mesh.add('alder', ['--slots', '8'])
  birch = await mesh.add('birch', ['--slots', '8'])
  await mesh.settled()
})
afterAll(async () => {
  await mesh?.close()
})

test('a second writer is refused politely, may read, and may take over: the first is told', async () => {
  const id = await openTerminal(alder, ['bash', '--norc', '--noprofile'], { worker: 'birch' })
  const first = await attachTo(alder, id)
  expect((await first.event('hello')).you).toBe(true)
  const second = await attachTo(birch, id)
  expect(await second.event('refused')).toMatchObject({
    code: 'terminal-has-writer',
    message: expect.stringContaining("alder's client on alder"),
  })
  await second.closed
  const reader = await attachTo(birch, id, { mode: 'read' })
  expect((await reader.event('hello')).you).toBe(false)
  reader.type('echo from the reader\r')
  expect(await reader.event('refused')).toMatchObject({ code: 'terminal-not-writer' })
  reader.say({ t: 'take' })
  expect(await first.event('writer')).toMatchObject({ you: false, taken: true, writer: { who: expect.stringContaining('birch') } })
  reader.type('echo taken $((6*7))\r')
  await first.until('taken 42')
  expect((await first.lines()).join('\n')).not.toContain('from the reader')
  reader.type('exit\r')
  await first.event('exit')
})

// Its program pauses 5 ms after each line: 200 a second at most, fewer where the machine is busy.
test('a steady stream of lines arrives on another node without falling behind', async () => {
  const id = await openTerminal(alder, ['bash', '-c', 'sleep 1; for i in $(seq 600); do echo "row $i"; sleep 0.005; done; sleep 60'], {
    worker: 'birch',
  })
  const reader = await attachTo(alder, id, { mode: 'read' })
  await reader.event('hello')
  const gaps: number[] = []
  let before = 0
  reader.socket.on('message', () => {
    const now = performance.now()
    if (before > 0) gaps.push(now - before)
    before = now
  })
  await reader.until('row 600', 60_000)
  expect(
    reader.frames.filter((frame) => frame.t === 'screen'),
    'it was never behind',
  ).toHaveLength(1)
  const sorted = gaps.toSorted((a, b) => a - b)
  const at = (part: number): number => Math.round(sorted[Math.floor(sorted.length * part)] ?? 0)
  console.info(`600 lines in ${gaps.length} frames; between two: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(0.9999)} ms`)
  await alder.cli('terminal', 'stop', id)
})

test('hostile frames are refused by name, and the terminal goes on', async () => {
  const id = await openTerminal(alder, ['bash', '--norc', '--noprofile'], { worker: 'birch' })
  const said: [string | Uint8Array, string][] = [
    ['{"t":"resize","cols":0,"rows":0}', 'terminal-size-invalid'],
    ['{"t":"resize","cols":1000000000,"rows":1000000000}', 'terminal-size-invalid'],
    ['{"t":"input","data":""}', 'terminal-input-invalid'],
    ['{"t":"reboot"}', 'terminal-message-unknown'],
    ['not json', 'invalid-json'],
    [Uint8Array.of(1, 2, 3), 'terminal-message-binary'],
  ]
  for (const [data, code] of said) {
    const hostile = await attachTo(alder, id, { mode: 'take' })
    hostile.sendRaw(data)
    expect(await hostile.event('refused')).toMatchObject({ code })
    expect(await hostile.closed).toEqual({ code: 1008, reason: code })
  }
  const large = await attachTo(alder, id, { mode: 'take' })
  large.sendRaw('x'.repeat(100 * 2 ** 20))
  expect((await large.closed).code).toBe(1009)
  const broken = await attachTo(alder, id, { mode: 'take' })
  broken.socket.send(Buffer.from([0x22, 0xc3, 0x28, 0x22]), { binary: false })
  expect((await broken.closed).code).toBe(1007)
  for (const headers of [{ origin: 'http://evil.test', authorization: `Bearer ${alder.token}` }, { origin: 'http://evil.test' }, {}])
    expect(await refusedWith(`${alder.ready.http.replace('http', 'ws')}/api/terminals/${id}/socket`, headers)).toBeGreaterThanOrEqual(400)
  const after = await attachTo(birch, id, { mode: 'take' })
  after.type('echo alive $((6*7))\r')
  await after.until('alive 42')
  after.type('exit\r')
  await after.event('exit')
})

function refusedWith(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { headers })
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    socket.on('open', () => resolve(101))
    socket.on('error', () => {})
  })
}
