// The door on real sockets: who is led where, who waits, and when the one before has answered all.
import { createServer, get, request, type IncomingMessage, type Server } from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { openDoor, type Door } from '../../../../node/services/supervise/door.ts'
import { createVirtualClock } from '../../../support/virtual-clock.ts'
import { until } from '../../../support/until.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const clock = createVirtualClock()
async function door(protocol: 'http' | 'tcp', port?: number): Promise<Door> {
  const opened = await openDoor(clock, { protocol, host: '127.0.0.1', ...(port === undefined ? {} : { port }) })
  let closed = false
  closers.push(async () => {
    if (closed) return
    closed = true
    const done = opened.close(0)
    clock.advance(1)
    await done
  })
  return opened
}

async function listening(server: {
  listen(port: number, host: string, done: () => void): unknown
  address(): unknown
  close(): unknown
}): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Answers with its name and what it was sent, `/held` only when the test says so. */
async function app(name: string): Promise<{ port: number; held: (() => void)[]; server: Server }> {
  const held: (() => void)[] = []
  const server = createServer((asked, answer) => {
    let body = ''
    asked.setEncoding('utf8').on('data', (piece: string) => (body += piece))
    asked.on('end', () => {
      const text = JSON.stringify({
        name,
        method: asked.method,
        url: asked.url,
        host: asked.headers.host,
        forwarded: asked.headers['x-forwarded-for'],
        body,
      })
      if (asked.url === '/held') held.push(() => answer.end(text))
      else answer.writeHead(200, { 'x-two': ['a', 'b'] }).end(text)
    })
  })
  server.on('upgrade', (_asked, socket: Socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n')
    socket.on('data', (piece) => socket.write(`${name} ${String(piece)}`))
  })
  return { port: await listening(server), held, server }
}

function ask(port: number, path = '/', body?: string): Promise<{ status: number; text: string; answer: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method: body === undefined ? 'GET' : 'POST', agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text, answer }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

test('requests and answers go through as they are; long answers of the one before keep it from being done', async () => {
  const [one, two] = [await app('one'), await app('two')]
  const { port, lead } = await door('http')
  await lead(one.port)
  const first = await ask(port, '/a?b=c', 'x'.repeat(100_000))
  expect(JSON.parse(first.text)).toEqual({
    name: 'one',
    method: 'POST',
    url: '/a?b=c',
    host: `127.0.0.1:${port}`,
    forwarded: '127.0.0.1',
    body: 'x'.repeat(100_000),
  })
  expect(first.answer.headersDistinct['x-two']).toEqual(['a', 'b'])
  const slow = ask(port, '/held')
  await until(() => one.held.length === 1, { what: 'the long one' })
  let isDone = false
  const done = lead(two.port).then(() => (isDone = true))
  expect(JSON.parse((await ask(port)).text)).toMatchObject({ name: 'two' })
  expect(isDone).toBe(false)
  one.held[0]?.()
  expect(JSON.parse((await slow).text)).toMatchObject({ name: 'one' })
  await done
})

test('who comes while nothing is live waits for what will be, and is told after a while that nothing is', async () => {
  const one = await app('one')
  const { port, lead } = await door('http')
  const early = ask(port)
  const late = ask(port)
  await until(() => new Promise<boolean>((resolve) => one.server.getConnections((_, count) => resolve(count === 0))), { what: 'a look' })
  await lead(one.port)
  expect(JSON.parse((await early).text)).toMatchObject({ name: 'one' })
  await late
  await lead(undefined)
  let answered = false
  const nobody = ask(port).finally(() => (answered = true))
  await until(() => (clock.advance(1_000), answered), { what: 'an answer' })
  expect((await nobody).status).toBe(503)
})

test('a request whose process is gone before it took it goes to the next one', async () => {
  const gone = createTcpServer()
  const deadPort = await listening(gone)
  await new Promise((resolve) => gone.close(resolve))
  const two = await app('two')
  const { port, lead } = await door('http')
  await lead(deadPort)
  const answer = ask(port, '/', 'kept')
  // It is known to be refused by the dead port before there is another one.
  await until(async () => new Promise((resolve) => connect(deadPort, '127.0.0.1').once('error', () => resolve(true))), {
    what: 'a refusal',
  })
  await lead(two.port)
  expect(JSON.parse((await answer).text)).toMatchObject({ name: 'two', body: 'kept' })
})

test('what is upgraded becomes a pipe to the process that was live then', async () => {
  const [one, two] = [await app('one'), await app('two')]
  const { port, lead } = await door('http')
  await lead(one.port)
  const socket = await new Promise<Socket>((resolve) =>
    get({ host: '127.0.0.1', port, headers: { connection: 'upgrade', upgrade: 'echo' } }).on('upgrade', (_answer, upgraded: Socket) =>
      resolve(upgraded),
    ),
  )
  void lead(two.port)
  const echo = new Promise<string>((resolve) => socket.once('data', (piece) => resolve(String(piece))))
  socket.write('hello')
  expect(await echo).toBe('one hello')
  socket.destroy()
})

test('over TCP a connection stays where it began, both ends half-open', async () => {
  const talk = (name: string) =>
    createTcpServer({ allowHalfOpen: true }, (socket) => {
      let text = ''
      socket.on('data', (piece) => (text += String(piece)))
      socket.on('end', () => socket.end(`${name} heard ${text}`))
    })
  const [one, two] = [await listening(talk('one')), await listening(talk('two'))]
  const { port, lead } = await door('tcp')
  await lead(one)
  const say = (): { socket: Socket; heard: Promise<string> } => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let text = ''
    socket.on('data', (piece) => (text += String(piece)))
    return { socket, heard: new Promise((resolve) => socket.on('end', () => (socket.destroy(), resolve(text)))) }
  }
  const first = say()
  await new Promise<void>((resolve) => void first.socket.write('a', () => resolve()))
  await until(async () => new Promise((resolve) => setTimeout(() => resolve(first.socket.bytesWritten === 1), 5)), {
    what: 'the first byte',
  })
  let isDone = false
  const done = until(() => true).then(() => lead(two).then(() => (isDone = true)))
  const second = say()
  second.socket.end('b')
  expect(await second.heard).toMatch(/heard b$/)
  expect(isDone).toBe(false)
  first.socket.end('c')
  expect(await first.heard).toBe('one heard ac')
  await done
})

test('a port that is taken is refused by name; closing lets answers finish and takes nothing new', async () => {
  const one = await app('one')
  await expect(openDoor(clock, { protocol: 'http', host: '127.0.0.1', port: one.port })).rejects.toMatchObject({ code: 'port-taken' })
  const opened = await openDoor(clock, { protocol: 'http', host: '127.0.0.1', portBefore: one.port })
  expect(opened.port, 'one of before that is taken gives way').not.toBe(one.port)
  await opened.lead(one.port)
  const slow = ask(opened.port, '/held')
  await until(() => one.held.length === 1, { what: 'the long one' })
  const closed = opened.close(60_000)
  await expect(ask(opened.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  one.held[0]?.()
  expect(JSON.parse((await slow).text)).toMatchObject({ name: 'one' })
  await closed
})
