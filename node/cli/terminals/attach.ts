// Attaches the person's terminal to one of the mesh: connects, draws what comes, sends what is typed, and connects again when its node is
// started anew. It ends with the key to leave, with the terminal, or with a refusal.
import { randomBytes } from 'node:crypto'
import { WebSocket } from 'ws'
import { TERMINAL_INPUT_MAX } from '../../../protocols/limits.ts'
import type { AttachMode, TerminalEvent, TerminalSaying } from '../../../protocols/terminals/frames.ts'
import { decodeTerminalFrame } from '../../../protocols/terminals/frames.ts'
import { createHoldingClock, sleep } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { safe } from '../../kernel/safe-text.ts'
import { createClient } from '../client.ts'
import type { Cli } from '../context.ts'
import type { OwnTty } from './own-tty.ts'
import { controlByte, takeTty } from './own-tty.ts'

const RETRY_MS = 500
/** The own node may be started again meanwhile. */
const RETRIES_MAX = 120

export type AttachOptions = { mode: AttachMode; leaveKey: string }
type Ended = { code: number; note: string }

/** @returns the exit code of its command; 0 where the person left */
export async function attach(cli: Cli, id: string, { mode, leaveKey }: AttachOptions): Promise<number> {
  const leave = controlByte(leaveKey)
  if (leave === undefined) throw usage(`--leave-key is ${JSON.stringify(leaveKey)}; it takes a key with Ctrl.`, 'Write it as ^] or ^B.')
  if (!cli.io.stdin.isTTY || !cli.io.stdout.isTTY)
    throw usage('A terminal can only be shown in a terminal.', 'Run this in one; nimbus task show ID tells how it ended.')
  const screen = createScreen(cli, leave, leaveKey)
  const client = randomBytes(16).toString('hex')
  let wanted = mode
  let wasOpen = false
  try {
    for (let failures = 0; failures <= RETRIES_MAX; ) {
      try {
        const ended = await connect(cli, screen, { id, client, mode: wanted })
        if (ended !== undefined) {
          screen.giveBack()
          cli.note(ended.note)
          return ended.code
        }
        wasOpen = true
        failures = 0
      } catch (error) {
        if (!wasOpen || !(error instanceof NimbusError) || error.kind !== 'unreachable') throw error
        failures++
      }
      wanted = screen.isWriter() ? 'write' : 'read'
      await sleep(createHoldingClock(), RETRY_MS)
    }
    throw new NimbusError('unreachable', 'The node does not answer any more.', {
      kind: 'unreachable',
      cure: 'Start it again, and attach again.',
    })
  } finally {
    screen.giveBack()
  }
}

/** @returns undefined where the connection was lost */
async function connect(
  cli: Cli,
  screen: Screen,
  { id, client, mode }: { id: string; client: string; mode: AttachMode },
): Promise<Ended | undefined> {
  const api = await createClient(cli)
  const path = `/api/terminals/${encodeURIComponent(id)}`
  await api.get(path) // says in words what a socket could only break off for
  const query = new URLSearchParams({ mode, client, history: '0', as: cli.io.env['USER'] ?? 'the command line' })
  const { url, headers } = api.socketTo(`${path}/socket?${query.toString()}`)
  const socket = new WebSocket(url, { headers, perMessageDeflate: false })
  return new Promise((resolve, reject) => {
    socket.on('error', () => {}) // `close` follows
    socket.on('close', () => resolve(undefined))
    screen.connected({
      say: (said) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(said)),
      end(ended) {
        resolve(ended)
        socket.close(1000)
      },
      refuse(error) {
        reject(error)
        socket.close(1000)
      },
    })
    socket.on('message', (data: Buffer) => screen.receive(data))
  })
}

type Way = { say(said: TerminalSaying): void; end(ended: Ended): void; refuse(error: NimbusError): void }
type Screen = {
  connected(way: Way): void
  receive(data: Uint8Array): void
  isWriter(): boolean
  giveBack(): void
}

function createScreen(cli: Cli, leave: string, leaveKey: string): Screen {
  let way: Way | undefined
  let tty: OwnTty | undefined
  let isWriter = false
  let isDrawing = false
  let isGreeted = false
  const sayLine = (text: string): void => tty?.draw(Buffer.from(`\r\n\x1b[7m ${text} \x1b[0m\r\n`))
  const tellSize = (): void => {
    if (isWriter && tty !== undefined) way?.say({ t: 'resize', ...tty.size() })
  }
  const open = (): OwnTty =>
    takeTty(cli.io, leave, {
      typed(text) {
        if (isWriter) for (const piece of piecesOf(text)) way?.say({ t: 'input', data: piece })
      },
      left: () => way?.end({ code: 0, note: `nimbus: left; the terminal goes on.` }),
      resized: tellSize,
    })
  const onEvent = (event: TerminalEvent): void => {
    if (event.t === 'hello' || event.t === 'writer') {
      if (event.t === 'hello' && tty === undefined && !event.you) cli.note(`nimbus: reading; ${leaveKey} leaves.`)
      tty ??= open()
      isGreeted ||= event.t === 'hello'
      isWriter = event.you
      if (event.t === 'writer' && event.taken === true)
        sayLine(`${safe(event.writer?.who ?? 'Somebody')} writes here now; you read on. ${leaveKey} leaves.`)
      tellSize()
    } else if (event.t === 'exit') way?.end(endOf(event))
    else if (event.t === 'away') sayLine(`Its worker is away: ${safe(event.reason)} Waiting; ${leaveKey} leaves.`)
    else if (event.t === 'refused') {
      if (isGreeted) sayLine(safe(event.message))
      else
        way?.refuse(
          new NimbusError(event.code, safe(event.message), {
            kind: 'refused',
            ...(event.cure === undefined ? {} : { cure: safe(event.cure) }),
          }),
        )
    }
  }
  return {
    connected(next) {
      way = next
      isGreeted = false
    },
    receive(data) {
      const frame = decodeTerminalFrame(data)
      if (frame?.t === 'event') onEvent(frame.event)
      else if (frame?.t === 'output') tty?.draw(frame.bytes)
      else if (frame?.t === 'screen') {
        if (!isDrawing) tty?.clear()
        isDrawing = frame.more
        tty?.draw(frame.bytes)
      }
    },
    isWriter: () => isWriter,
    giveBack: () => tty?.giveBack(),
  }
}

function endOf({ exitCode, signal, reason }: Extract<TerminalEvent, { t: 'exit' }>): Ended {
  const how = exitCode !== undefined ? `exit code ${exitCode}` : signal !== undefined ? safe(signal) : safe(reason ?? 'it ended')
  return { code: exitCode ?? 1, note: `nimbus: the terminal ended: ${how}.` }
}

function* piecesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + TERMINAL_INPUT_MAX)
    if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1] ?? '')) end-- // no half of a pair
    yield text.slice(at, end)
    at = end
  }
}

function usage(message: string, cure: string): NimbusError {
  return new NimbusError('usage', message, { kind: 'usage', cure })
}
