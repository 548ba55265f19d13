// HTTP by hand: what no honest client would send.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'

/** Sends bytes as they are and reads what comes until the server closes, or until the header is there. */
export async function rawRequest(
  port: number,
  text: string | Buffer,
  options: { timeoutMs?: number } = {},
): Promise<{ status: number; text: string; tookMs: number }> {
  const started = performance.now()
  const socket: Socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (piece) => (answer += piece.toString('latin1')))
  socket.on('error', () => {}) // a server that cuts the connection is one of the right answers
  await once(socket, 'connect')
  socket.write(text)
  const timer = setTimeout(() => socket.destroy(), options.timeoutMs ?? 1500)
  while (!socket.destroyed && !answer.includes('\r\n\r\n'))
    await Promise.race([once(socket, 'data').catch(() => 'cut'), once(socket, 'close')])
  clearTimeout(timer)
  socket.destroy()
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0), text: answer, tookMs: performance.now() - started }
}
