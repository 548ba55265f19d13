// One WebSocket that carries events to a client. It listens for nothing but the end: what a client sends is counted and
// thrown away, and a client that does not read is closed.
import type { WebSocket } from 'ws'
import type { Clock } from '../../kernel/clock.ts'
import { repeat, sleep } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Session } from '../access/auth.ts'
import type { StreamEvent } from '../ports.ts'

/** Bytes that may wait for a slow reader before the source is held back. */
const BUFFERED_BYTES_MAX = 1024 * 1024
/** A reader that takes nothing for so long is closed with 1013 (try again later); ws ends the connection after 30 s. */
const STALL_MS_MAX = 10_000
const STALL_CHECK_MS = 50
const PING_MS = 20_000
/** Messages and pings of the client: it has nothing to say here. */
const INCOMING_MAX = 1000
const CLOSE = { normal: 1000, policy: 1008, fault: 1011, slow: 1013 } as const

type Options = { clock: Clock; log: Log; session: Session | undefined }

/** @param open starts the source; it has to end when the signal fires */
export function sendEvents(socket: WebSocket, open: (signal: AbortSignal) => AsyncIterable<StreamEvent>, options: Options): void {
  const { clock, session } = options
  const gone = new AbortController()
  const stopPings = keepAlive(socket, options)
  const onSessionEnd = () => socket.close(CLOSE.policy, 'signed out')
  session?.ended.signal.addEventListener('abort', onSessionEnd, { once: true })
  socket.on('close', () => {
    gone.abort()
    stopPings()
    session?.ended.signal.removeEventListener('abort', onSessionEnd)
  })
  socket.on('error', () => socket.terminate()) // a broken frame or connection: `close` follows
  limitIncoming(socket)
  void pump(socket, open(gone.signal), clock, session).catch((error: unknown) => {
    if (gone.signal.aborted) return
    options.log.warn({ err: error }, 'event stream failed')
    socket.close(CLOSE.fault, 'the stream failed; reconnect with since')
  })
}

async function pump(socket: WebSocket, events: AsyncIterable<StreamEvent>, clock: Clock, session: Session | undefined): Promise<void> {
  for await (const event of events) {
    if (socket.readyState !== socket.OPEN) return
    if (session !== undefined && session.expiresAt <= clock.wallMs()) return socket.close(CLOSE.policy, 'the session is over')
    socket.send(JSON.stringify(event))
    if (socket.bufferedAmount > BUFFERED_BYTES_MAX && !(await drained(socket, clock)))
      return socket.close(CLOSE.slow, 'reading too slowly; reconnect with since')
  }
  socket.close(CLOSE.normal)
}

/** Waits until a slow reader has caught up; false where it does not. */
async function drained(socket: WebSocket, clock: Clock): Promise<boolean> {
  let progressAt = clock.nowMs()
  let before = socket.bufferedAmount
  while (socket.bufferedAmount > BUFFERED_BYTES_MAX) {
    if (socket.readyState !== socket.OPEN) return true
    if (socket.bufferedAmount < before) progressAt = clock.nowMs()
    before = socket.bufferedAmount
    if (clock.nowMs() - progressAt > STALL_MS_MAX) return false
    await sleep(clock, STALL_CHECK_MS)
  }
  return true
}

/** Finds half-open connections: two pings without an answer end one. */
function keepAlive(socket: WebSocket, options: Options): () => void {
  let unanswered = 0
  socket.on('pong', () => {
    unanswered = 0
  })
  const ping = () => {
    if (unanswered++ >= 2) socket.terminate()
    else if (socket.readyState === socket.OPEN) socket.ping()
  }
  return repeat(options.clock, PING_MS, ping, (error) => options.log.warn({ err: error }, 'ping failed'))
}

function limitIncoming(socket: WebSocket): void {
  let count = 0
  const note = () => {
    if (++count > INCOMING_MAX) socket.close(CLOSE.policy, 'this stream takes no messages')
  }
  socket.on('message', note)
  socket.on('ping', note)
}
