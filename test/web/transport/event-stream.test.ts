import { expect, test, vi } from 'vitest'
import { openEventStream } from '../../../web/src/transport/event-stream.ts'
import type { StreamState } from '../../../web/src/transport/transport.ts'

/** The browser's side of a socket, driven by hand: what a node would do is tested against real nodes. */
function aStream() {
  const opened: { path: string; socket: WebSocket }[] = []
  const states: StreamState['kind'][] = []
  const heard: string[] = []
  let tickets = 0
  const close = openEventStream(
    {
      ticket: () => Promise.resolve(`t${++tickets}`),
      probe: () => Promise.resolve(),
      openSocket(path) {
        const socket = { close: () => undefined } as unknown as WebSocket
        opened.push({ path, socket })
        return socket
      },
    },
    {
      event: (event) => heard.push(event.type),
      resync: () => heard.push('resync'),
      state: (state) => states.push(state.kind),
      signedOut: () => heard.push('signed out'),
    },
  )
  const latest = () => opened.at(-1)?.socket as WebSocket
  return {
    opened,
    states,
    heard,
    close,
    open: () => latest().onopen?.(new Event('open')),
    say: (data: unknown) =>
      latest().onmessage?.(new MessageEvent('message', { data: typeof data === 'string' ? data : JSON.stringify(data) })),
    lose: () => latest().onclose?.(new CloseEvent('close')),
  }
}

test('after a loss it says so, takes a new ticket and goes on from the last cursor', async () => {
  const stream = aStream()
  await vi.waitFor(() => expect(stream.opened).toHaveLength(1))
  expect(stream.opened[0]?.path).toBe('/api/events?ticket=t1')
  stream.open()
  stream.say({ cursor: 'c/7', type: 'task.updated', data: {} })
  stream.lose()
  expect(stream.states).toEqual(['connecting', 'live', 'reconnecting'])
  await vi.waitFor(() => expect(stream.opened).toHaveLength(2), { timeout: 3_000 })
  expect(stream.opened[1]?.path).toBe('/api/events?ticket=t2&since=c%2F7')
  stream.close()
})

test('a gap, and a frame that is not JSON, ask for everything anew', async () => {
  const stream = aStream()
  await vi.waitFor(() => expect(stream.opened).toHaveLength(1))
  stream.open()
  stream.say({ type: 'resync' })
  stream.say('{"cut')
  expect(stream.heard).toEqual(['resync', 'resync'])
  stream.close()
})
