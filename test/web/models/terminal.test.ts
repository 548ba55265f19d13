import { afterEach, describe, expect, test } from 'vitest'
import type { RawFrame } from '../../../protocols/terminals/frame-bytes.ts'
import type { TerminalEvent } from '../../../protocols/terminals/frames.ts'
import { type AttachedTerminal, attachTerminal } from '../../../web/src/models/terminals/attached-terminal.ts'
import { keyText, withModifiers } from '../../../web/src/models/terminals/keys.ts'
import { createFakeTransport } from '../fake-transport.ts'
import { ApiError } from '../../../web/src/transport/api-error.ts'

const SOON = { timeout: 4_000 }
const bytes = (text: string) => new TextEncoder().encode(text)
const screenOf = (text: string, more = false): RawFrame => ({ t: 'screen', seq: 0, size: { cols: 80, rows: 24 }, more, bytes: bytes(text) })
let attached: AttachedTerminal | undefined
afterEach(() => attached?.stop())

function attach() {
  const transport = createFakeTransport()
  const drawn: string[] = []
  const screen = {
    draw: (data: Uint8Array, size?: object) => void drawn.push(`${size === undefined ? '' : 'new '}${new TextDecoder().decode(data)}`),
    resize: (size: { cols: number; rows: number }) => void drawn.push(`size ${size.cols}x${size.rows}`),
  }
  attached = attachTerminal(transport.terminals, 't1', { client: 'c'.repeat(32), screen })
  const tell = (event: TerminalEvent) => transport.state.attached.at(-1)?.frame({ t: 'event', event })
  const draw = (frame: RawFrame) => transport.state.attached.at(-1)?.frame(frame)
  const calls = () => transport.calls.join('\n')
  return { transport, drawn, tell, draw, calls, terminal: attached, listeners: transport.state.attached }
}

/** It is attached so many times, and may speak. */
async function attachedTimes(listeners: readonly object[], times: number): Promise<void> {
  await expect.poll(() => listeners.length, SOON).toBe(times)
  await new Promise((resolve) => setTimeout(resolve))
}

describe('an attached terminal', () => {
  test('draws a screen in all its pieces, then what follows; who writes types, and says its size', async () => {
    const { terminal, tell, draw, drawn, calls, listeners } = attach()
    await attachedTimes(listeners, 1)
    terminal.resize({ cols: 100, rows: 30 })
    tell({ t: 'hello', you: true })
    draw(screenOf('one ', true))
    draw(screenOf('two'))
    draw({ t: 'output', seq: 7, bytes: bytes('three') })
    draw({ t: 'resize', seq: 12, size: { cols: 90, rows: 20 } })
    expect(drawn).toEqual(['new one ', 'two', 'three', 'size 90x20'])
    expect(terminal.type('ls\r')).toBe(true)
    expect(calls()).toContain('say {"t":"resize","cols":100,"rows":30}\nsay {"t":"input","data":"ls\\r"}')
  })

  test('where somebody writes it reads, says who, and takes over when it is asked to', async () => {
    const { terminal, tell, calls, listeners } = attach()
    await attachedTimes(listeners, 1)
    tell({ t: 'refused', code: 'terminal-has-writer', message: 'Ada is writing \u001b[31mhere.' })
    await attachedTimes(listeners, 2)
    expect(calls()).toContain('attach t1 to read')
    tell({ t: 'hello', you: false, writer: { who: 'Ada on birch', since: 0 } })
    expect(terminal.note.value).toBe('Ada is writing here.')
    expect(terminal.writer.value).toBe('Ada on birch')
    expect(terminal.type('x')).toBe(false)
    terminal.takeOver()
    expect(calls()).toContain('say {"t":"take"}')
    tell({ t: 'writer', you: true })
    expect(terminal.writes.value).toBe(true)
    tell({ t: 'writer', you: false, taken: true, writer: { who: 'Bob', since: 0 } })
    expect(terminal.note.value).toBe('Bob took over and writes here now.')
  })

  test('comes again when its node is back, under the same name and as what it was; a refusal and an end are final', async () => {
    const { terminal, tell, calls, listeners } = attach()
    await attachedTimes(listeners, 1)
    tell({ t: 'hello', you: true })
    listeners[0]?.closed('the node is gone')
    expect(terminal.standing.value).toMatchObject({ kind: 'lost' })
    await attachedTimes(listeners, 2)
    expect(calls().match(/attach t1 to write/g)).toHaveLength(2)
    tell({ t: 'hello', you: true })
    // What comes on a way that broke counts no more.
    listeners[0]?.frame({ t: 'event', event: { t: 'exit', exitCode: 9 } })
    expect(terminal.standing.value).toEqual({ kind: 'attached' })
    tell({ t: 'exit', exitCode: 0 })
    listeners[1]?.closed('over')
    expect(terminal.standing.value).toEqual({ kind: 'ended', how: 'exit code 0' })
  })

  test('is told what the node refuses, and asks for nothing while nobody looks', async () => {
    const { terminal, tell, calls, listeners } = attach()
    await attachedTimes(listeners, 1)
    tell({ t: 'hello', you: false })
    terminal.look(false)
    terminal.look(true)
    expect(calls()).toMatch(/say {"t":"pause"}\nsay {"t":"resume"}$/)
    const transport = createFakeTransport()
    transport.state.refuse = new ApiError({ code: 'terminal-unknown', detail: 'There is none.', status: 404 })
    attached = attachTerminal(transport.terminals, 't2', { client: 'c'.repeat(32), screen: { draw() {}, resize() {} } })
    await expect.poll(() => attached?.standing.value, SOON).toEqual({ kind: 'refused', message: 'There is none.' })
  })
})

test('keys of the bar are what a terminal sends, and modifiers count for one character', () => {
  expect(keyText('↑', false)).toBe('\x1b[A')
  expect(keyText('Home', true)).toBe('\x1bOH')
  expect(keyText('Esc', true)).toBe('\x1b')
  expect(withModifiers('c', { ctrl: true, alt: false })).toBe('\x03')
  expect(withModifiers('ß', { ctrl: true, alt: false })).toBe('ß')
  expect(withModifiers('xy', { ctrl: false, alt: true })).toBe('\x1bxy')
})
