// One WebSocket between a client and its way to a terminal. What the client says has a schema and a rate; what is none of that is refused
// by name, and the socket is closed. A client that does not read holds back its own frames only.
import type { RawData, WebSocket } from 'ws'
import type { TerminalEvent } from '../../../../protocols/terminals/frames.ts'
import { encodeTerminalFrame, terminalSaying } from '../../../../protocols/terminals/frames.ts'
import { TERMINAL_COLS_MAX, TERMINAL_INPUT_MAX, TERMINAL_ROWS_MAX } from '../../../../protocols/limits.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { repeat, sleep } from '../../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../../kernel/errors.ts'
import type { Log } from '../../../kernel/log.ts'
import type { Session } from '../../access/auth.ts'
import type { TerminalLink } from '../../../terminals/terminal-link.ts'
import { parseJson } from '../../input.ts'

/** Bytes that may wait for a slow client before its source is held back. */
const BUFFERED_BYTES_MAX = 512 * 1024
const LOOK_MS = 20
const PING_MS = 20_000
/** Messages a second, over ten seconds: a person types and drags the edge of a window. */
const MESSAGES_MAX = 2_000
const COUNT_MS = 10_000
const CLOSE = { normal: 1000, broken: 1006, policy: 1008, fault: 1011 } as const

type Options = { clock: Clock; log: Log; session: Session | undefined }

export function converse(socket: WebSocket, link: TerminalLink, options: Options): void {
  const { clock, log, session } = options
  const gone = new AbortController()
  const tell = (event: TerminalEvent): void => {
    if (socket.readyState === socket.OPEN) socket.send(encodeTerminalFrame({ t: 'event', event }))
  }
  const onSessionEnd = (): void => socket.close(CLOSE.policy, 'signed out')
  session?.ended.signal.addEventListener('abort', onSessionEnd, { once: true })
  const stopPings = keepAlive(socket, options)
  socket.on('close', (code) => {
    stopPings()
    session?.ended.signal.removeEventListener('abort', onSessionEnd)
    // Who was cut off may come again, and finds that he may still write.
    if (code === CLOSE.broken) gone.abort()
    else void link.bye().finally(() => gone.abort())
  })
  socket.on('error', () => {}) // a broken frame is answered with its code, and `close` follows
  const isWithinRate = createRate(clock)
  socket.on('message', (data, isBinary) => {
    try {
      if (!isWithinRate())
        throw refused('terminal-rate', `More than ${MESSAGES_MAX} messages came in ${COUNT_MS / 1000} s.`, 'Join what is typed.')
      if (session !== undefined && session.expiresAt <= clock.wallMs()) return onSessionEnd()
      link.say(sayingOf(data, isBinary))
    } catch (error) {
      const { code, cure, kind } = error instanceof NimbusError ? error : { code: 'failed', cure: undefined, kind: 'failed' }
      tell({ t: 'refused', code, message: messageOf(error), ...(cure === undefined ? {} : { cure }) })
      if (kind !== 'busy') socket.close(CLOSE.policy, code)
    }
  })
  void pump(socket, link, clock, gone.signal).catch((error: unknown) => {
    if (gone.signal.aborted) return
    log.warn({ reason: messageOf(error) }, 'an attachment to a terminal failed')
    socket.close(CLOSE.fault, 'the attachment failed; attach again')
  })
}

async function pump(socket: WebSocket, link: TerminalLink, clock: Clock, signal: AbortSignal): Promise<void> {
  for await (const frame of link.frames(signal)) {
    if (socket.readyState !== socket.OPEN) continue // it says goodbye: the signal follows
    socket.send(frame)
    while (socket.bufferedAmount > BUFFERED_BYTES_MAX && socket.readyState === socket.OPEN) await sleep(clock, LOOK_MS)
  }
  socket.close(CLOSE.normal)
}

/** @throws NimbusError that names what is wrong with it */
function sayingOf(data: RawData, isBinary: boolean): ReturnType<typeof terminalSaying.parse> {
  if (isBinary)
    throw refused('terminal-message-binary', 'What is said to a terminal is JSON in text messages.', 'Send {"t":"input","data":"…"}.')
  const value = parseJson((data as Buffer).toString('utf8'))
  const parsed = terminalSaying.safeParse(value)
  if (parsed.success) return parsed.data
  const t = (value as { t?: unknown } | null)?.t
  if (t === 'resize')
    throw refused(
      'terminal-size-invalid',
      'The size is not one of a terminal.',
      `Columns are from 2 to ${TERMINAL_COLS_MAX}, rows from 2 to ${TERMINAL_ROWS_MAX}.`,
    )
  if (t === 'input')
    throw refused('terminal-input-invalid', 'What is typed comes as a text.', `Send from 1 to ${TERMINAL_INPUT_MAX} characters at a time.`)
  throw refused(
    'terminal-message-unknown',
    'The message is none that a terminal knows.',
    'It knows input, resize, take, pause, resume and bye.',
  )
}

function refused(code: string, message: string, cure: string): NimbusError {
  return new NimbusError(code, message, { kind: 'usage', cure })
}

/** @returns counts one, and says whether that is within the rate */
function createRate(clock: Clock): () => boolean {
  let sinceMs = clock.nowMs()
  let count = 0
  return () => {
    if (clock.nowMs() - sinceMs > COUNT_MS) {
      sinceMs = clock.nowMs()
      count = 0
    }
    return ++count <= MESSAGES_MAX
  }
}

/** Finds half-open connections: two pings without an answer end one. */
function keepAlive(socket: WebSocket, { clock, log }: Options): () => void {
  let unanswered = 0
  socket.on('pong', () => {
    unanswered = 0
  })
  const ping = (): void => {
    if (unanswered++ >= 2) socket.terminate()
    else if (socket.readyState === socket.OPEN) socket.ping()
  }
  return repeat(clock, PING_MS, ping, (error) => log.warn({ err: error }, 'ping failed'))
}
