import { afterEach, describe, expect, test, vi } from 'vitest'
import type { LogLineView, MergedRow } from '../../../protocols/logs/log-line-views.ts'
import { aTask } from '../fixtures.ts'
import { type RenderedPage, renderPage } from '../render-page.tsx'

/** The page paints once a frame; the clock of ages ticks once a second. */
const SOON = { timeout: 4_000 }
const EVIL =
  '\u001b[31mred\u001b[0m \u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007 <img src=x onerror=alert(1)> \u202egnp.exe \u001b[2J'
const RUNNING = aTask(1, 'running')
const OTHER = aTask(0, 'running')
let page: RenderedPage | undefined
afterEach(() => page?.close())

function aLine(line: number, text: string, more: Partial<LogLineView> = {}): LogLineView {
  return {
    type: 'line',
    task: RUNNING.id,
    epoch: 1,
    line,
    offset: line * 10,
    stream: 'stdout',
    time: 1_000 * line,
    text,
    size: text.length,
    ...more,
  }
}
const mark = (lines: number, task = RUNNING.id): MergedRow => ({ type: 'mark', task, epoch: 1, lines, bytes: lines * 10, next: null })
const texts = () => [...(page?.root.querySelectorAll('.line-text') ?? [])].map(({ textContent }) => textContent)

describe('the log of one task', () => {
  test('only lines in sight are in the page, those that are missing are asked for by number, and a line has its address', async () => {
    const lines = Array.from({ length: 1_000 }, (_, at) => aLine(at + 1, `line ${at + 1}`))
    page = await renderPage(`/logs/${RUNNING.id}?line=277`, ({ state }) => state.lines.push(...lines, mark(1_000_000)))
    await expect.poll(page.text, SOON).toContain('1,000,000 lines')
    const row = () => page?.root.querySelector('.line-target')
    await vi.waitFor(() => expect(row()?.textContent).toContain('277'), SOON)
    expect(row()?.querySelector('a')?.getAttribute('href')).toBe(`/logs/${RUNNING.id}?attempt=1&line=277`)
    expect(page.root.querySelectorAll('.line').length).toBeLessThan(100)
    await vi.waitFor(() => expect(page?.transport.calls.some((call) => /"from":201,"limit":/.test(call))).toBe(true), SOON)
  })

  test('a line full of escapes, direction marks and HTML is inert', async () => {
    page = await renderPage(`/logs/${RUNNING.id}`, ({ state }) => state.lines.push(aLine(1, EVIL, { stream: 'stderr' }), mark(1)))
    await expect.poll(page.text, SOON).toContain('red link <img src=x onerror=alert(1)> ·gnp.exe')
    expect(page.root.querySelector('.lines img')).toBeNull()
    expect(page.root.innerHTML).not.toMatch(/[\u001b\u202e]/)
  })

  test('a search is asked of the node with its neighbours, marks what it found, and each hit leads to its line', async () => {
    const found = [aLine(41, 'before'), aLine(42, 'a Needle <b>here</b>', { hit: true }), aLine(99, 'needle again', { hit: true })]
    page = await renderPage(`/logs/${RUNNING.id}?q=needle&context=1`, (transport) => {
      transport.state.lines.push(...found, mark(1_000_000))
      transport.lines.ofTask = async function* (_id, query, signal) {
        transport.calls.push(JSON.stringify(query))
        yield* found
        yield mark(1_000_000) as LogLineView
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        transport.calls.push('left')
      }
    })
    await expect.poll(page.text, SOON).toContain('2 hits in 1,000,000 lines')
    expect(page.transport.calls).toContain('{"q":"needle","context":1,"from":1,"limit":1000,"follow":true,"attempt":1}')
    expect([...page.root.querySelectorAll('mark')].map(({ textContent }) => textContent)).toEqual(['Needle', 'needle'])
    expect(page.root.querySelectorAll('.line-gap')).toHaveLength(1)
    expect(page.root.querySelector(`a[href="/logs/${RUNNING.id}?attempt=1&line=42"]`)).not.toBeNull()
    page.models.router.go('/tasks')
    await vi.waitFor(() => expect(page?.transport.calls, 'the search goes on after its reader left').toContain('left'))
  })
})

describe('the logs of many tasks', () => {
  test('lines stand by time whatever came first, a line that was told twice stands once, and one that cannot be read says so', async () => {
    page = await renderPage('/logs', ({ state }) =>
      state.lines.push(
        aLine(1, 'third', { time: 3_000 }),
        aLine(1, 'second', { task: OTHER.id, time: 2_000 }),
        aLine(0, 'first', { time: 1_000 }),
        aLine(1, 'third', { time: 3_000 }),
        mark(2),
        { type: 'fault', task: OTHER.id, epoch: 0, code: 'log-out-of-reach', detail: 'The log lies on a worker that is gone.' },
      ),
    )
    await expect.poll(texts, SOON).toEqual(['first', 'second', 'third'])
    expect(page.text()).toContain('2 tasks, merged by time')
    expect(page.text()).toContain('The log lies on a worker that is gone.')
    expect(page.transport.calls.some((call) => call.includes(RUNNING.id) && call.includes('{"tail":200,"follow":true}'))).toBe(true)
  })

  test('of one worker', async () => {
    page = await renderPage('/logs?worker=birch&q=x', ({ state }) => state.lines.push(aLine(1, 'x', { hit: true }), mark(1)))
    await expect.poll(page.text, SOON).toContain('1 hit in 1 lines')
    expect(page.transport.calls).toContain(`lines of ${RUNNING.id} {"q":"x","context":0,"limit":500,"follow":true}`)
  })
})
