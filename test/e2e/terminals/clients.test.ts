// Clients of a terminal against each other and against its node: one writes, the rest are told; what is hostile is refused by name.
import { WebSocket } from 'ws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeTerminalFrame } from '../../../protocols/terminals/frames.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'
import { attachTo, openTerminal } from './attached.ts'
import { cliTerminal } from './cli-terminal.ts'

const vim = requirement('vim')
const SHELL = ['bash', '--norc', '--noprofile']

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

// Each line says when it was printed; both clocks are those of this machine.
const PRINTING = `let n = 0
setTimeout(() => { const timer = setInterval(() => {
  console.log('row ' + ++n + ' ' + Date.now())
  if (n === 600) { clearInterval(timer); setTimeout(() => {}, 60_000) }
}, 5) }, 500)`

test('200 lines a second arrive on another node, all of them and in order, without falling behind', async () => {
  const id = await openTerminal(alder, [process.execPath, '-e', PRINTING], { worker: 'birch' })
  const reader = await attachTo(alder, id, { mode: 'read' })
  await reader.event('hello')
  const late: number[] = []
  const rows: number[] = []
  let text = ''
  reader.socket.on('message', (data: Buffer) => {
    const frame = decodeTerminalFrame(data)
    if (frame?.t !== 'output') return
    const now = Date.now()
    const lines = (text + Buffer.from(frame.bytes).toString()).split('\n')
    text = lines.pop() ?? ''
    for (const [, row, at] of lines.flatMap((line) => [/^row (\d+) (\d+)/.exec(line) ?? []])) {
      if (row === undefined) continue
      rows.push(Number(row))
      late.push(now - Number(at))
    }
  })
  await reader.until('row 600', 60_000)
  expect(
    reader.frames.filter((frame) => frame.t === 'screen'),
    'it was never behind',
  ).toHaveLength(1)
  expect(rows).toEqual(Array.from({ length: 600 }, (_, at) => at + 1))
  const sorted = late.toSorted((a, b) => a - b)
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  console.info(`600 lines at 200 a second, printed on birch, at alder after: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`)
  await alder.cli('terminal', 'stop', id)
})

test('a page that nobody looks at gets no output, and all of it when somebody does', async () => {
  const id = await openTerminal(alder, SHELL, { worker: 'birch' })
  const reference = await attachTo(birch, id)
  await reference.event('hello')
  const hidden = await attachTo(alder, id, { mode: 'read' })
  await hidden.event('hello')
  hidden.say({ t: 'pause' })
  // Said on the same way, so that the pause has come before what is typed now.
  hidden.say({ t: 'resize', cols: 81, rows: 25 })
  expect(await hidden.event('refused')).toMatchObject({ code: 'terminal-not-writer' })
  const before = hidden.seq()
  reference.type('for i in $(seq 200); do echo "unseen $i"; done; echo the $((40+2))nd\r')
  await reference.until('the 42nd')
  expect(hidden.seq(), 'output came to a page that nobody looked at').toBe(before)
  hidden.say({ t: 'resume' })
  await hidden.until('the 42nd')
  await until(() => hidden.seq() === reference.seq(), { what: 'both at the same byte' })
  expect(await hidden.cells()).toEqual(await reference.cells())
  reference.type('exit\r')
  await hidden.event('exit')
})

describe.skipIf(!vim.present)(vim.title('the command line, in a real terminal'), () => {
  test('shows and types, follows its size, keeps questions from the own terminal, leaves with its key, and gives the terminal back', async () => {
    const id = await openTerminal(alder, SHELL, { worker: 'birch', size: { cols: 70, rows: 20 } })
    const cli = cliTerminal(
      alder,
      `nimbus session attach ${id}; echo "left with $?"; stty -a | tr ' ;' '\\n\\n' | grep -xE -- '-?(icanon|echo|isig)' | paste -sd,`,
      {
        cols: 72,
        rows: 22,
      },
    )
    cli.type('echo typed $((6*7)); stty size\r')
    await cli.until(/typed 42\s+22 72/)
    const reference = await attachTo(birch, id, { mode: 'read' })
    cli.type('vim -u NONE -N +startinsert\r')
    cli.type('hello from the cli')
    await cli.until('hello from the cli')
    cli.resize(90, 30)
    await until(() => reference.frames.some((frame) => frame.t === 'resize' && frame.size.cols === 90 && frame.size.rows === 30), {
      what: 'the new size at the terminal',
    })
    await reference.until('-- INSERT --')
    await until(async () => (await cli.lines()).join('\n') === (await reference.lines()).join('\n'), { what: 'the same screen' })
    cli.type('\x1b:q!\r')
    await cli.until(/startinsert\n\S*# *\n*$/) // what is typed while vim ends is vim's
    // Questions (attributes, position, colours), the clipboard, and a protocol that would hide the key to leave.
    const said = cli.written().length
    cli.type(String.raw`printf 'ask\033[c\033[6n\033]11;?\007\033]52;c;aGk=\007\033[>1u\033[?1049$pdone %d\n' $((40+2))`)
    cli.type('\r')
    await cli.until('askdone 42')
    expect(cli.written().subarray(said).toString('latin1')).not.toMatch(/\x1b\[c|\x1b\[6n|\x1b\]11;\?|\x1b\]52|\x1b\[>1u|\x1b\[\?1049\$p/)
    cli.type('\x1d')
    await cli.until('left with 0')
    await cli.until('isig,icanon,echo')
    expect(await cli.ended).toBe(0)
    const after = await attachTo(alder, id)
    expect((await after.event('hello')).you, 'who left with the key let go of the terminal').toBe(true)
    after.type('\x03') // not behind the answers that the shell was given
    // What is typed before the shell has dropped its line goes with it.
    await until(
      () => {
        if (after.events.some(({ t }) => t === 'exit')) return true
        after.type('exit\r')
        return false
      },
      { what: 'the end of the shell', intervalMs: 500 },
    )
  })

  test('does not hold what its reader does not read: the terminal goes on, and the screen is right afterwards', async () => {
    const id = await openTerminal(alder, SHELL, { worker: 'birch' })
    const cli = cliTerminal(alder, `nimbus session attach ${id}`, { cols: 80, rows: 24 })
    cli.type('echo ready $((6*7))\r')
    await cli.until('ready 42')
    const reference = await attachTo(birch, id, { mode: 'read' })
    await reference.event('hello')
    const [memory, before] = [await cli.memoryMb(), cli.written().length]
    cli.type(
      `${process.execPath} -e 'for (let i = 0; i < 600_000; i++) process.stdout.write("a line that nobody reads now, number " + i + "\\n")'; echo over $((40+2))\r`,
    )
    cli.stall()
    await reference.until('over 42', 120_000)
    const full = await cli.memoryMb()
    cli.goOn()
    await cli.until('over 42')
    await until(async () => (await cli.lines()).join('\n') === (await reference.lines()).join('\n'), { what: 'the same screen' })
    const read = cli.written().length - before
    console.info(
      `the terminal wrote 27 MB, its stalled reader got ${Math.round(read / 1024)} kB; the CLI had ${memory} MB before, ${full} MB then`,
    )
    expect(read, 'what was skipped was not sent').toBeLessThan(15 * 2 ** 20)
    cli.type('exit\r')
    expect(await cli.ended).toBe(0)
  })
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
