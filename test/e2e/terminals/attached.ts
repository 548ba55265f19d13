// A client that is attached to a terminal through a real node, as the dashboard is: it draws what comes in an emulator of its own.
import { WebSocket } from 'ws'
import type { AttachMode, TerminalEvent, TerminalFrame, TerminalSaying } from '../../../protocols/terminals/frames.ts'
import { decodeTerminalFrame } from '../../../protocols/terminals/frames.ts'
import type { RealNode } from '../../support/real-mesh.ts'
import { cellsOf, drawn, referenceTerminal } from '../../node/terminals/cells.ts'
import { until } from '../../support/until.ts'

export type Attached = {
  events: TerminalEvent[]
  frames: TerminalFrame[]
  closed: Promise<{ code: number; reason: string }>
  say(said: TerminalSaying): void
  sendRaw(data: string | Uint8Array): void
  socket: WebSocket
  type(text: string): void
  /** Everything that its emulator shows. */
  cells(): Promise<string[]>
  /** The lines of the screen. */
  lines(): Promise<string[]>
  /** Bytes of the terminal's output that it stands at. */
  seq(): number
  until(text: string | RegExp, timeoutMs?: number): Promise<void>
  /** The newest event of a kind. */
  event<T extends TerminalEvent['t']>(t: T): Promise<Extract<TerminalEvent, { t: T }>>
  leave(): Promise<void>
}

export async function attachTo(
  node: RealNode,
  id: string,
  options: { mode?: AttachMode; client?: string; history?: number } = {},
): Promise<Attached> {
  const query = new URLSearchParams({ mode: options.mode ?? 'write', as: `${node.name}'s client` })
  if (options.client !== undefined) query.set('client', options.client)
  if (options.history !== undefined) query.set('history', String(options.history))
  const socket = new WebSocket(`${node.ready.http.replace(/^http/, 'ws')}/api/terminals/${id}/socket?${query.toString()}`, {
    headers: { authorization: `Bearer ${node.token}` },
  })
  const events: TerminalEvent[] = []
  const frames: TerminalFrame[] = []
  let terminal = referenceTerminal({ cols: 80, rows: 24 })
  let drawing: Promise<unknown> = Promise.resolve()
  let isDrawing = false
  let seq = 0
  let fault: string | undefined
  const receive = (frame: TerminalFrame): void => {
    frames.push(frame)
    if (frame.t === 'event') return void events.push(frame.event)
    if (frame.t === 'output' && frame.seq !== seq) fault ??= `output at ${frame.seq} came where ${seq} was next`
    const now = frame
    if (now.t === 'screen') {
      if (!isDrawing) drawing = drawing.then(() => (terminal = referenceTerminal(now.size)))
      isDrawing = now.more
      seq = now.seq
      drawing = drawing.then(() => drawn(terminal, now.bytes))
    } else if (now.t === 'resize') drawing = drawing.then(() => terminal.resize(now.size.cols, now.size.rows))
    else {
      seq += now.bytes.length
      drawing = drawing.then(() => drawn(terminal, now.bytes))
    }
  }
  socket.on('error', () => {})
  socket.on('message', (data: Buffer) => {
    const frame = decodeTerminalFrame(data)
    if (frame === undefined) fault ??= 'a frame that is none'
    else receive(frame)
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
  )
  const settle = async (): Promise<void> => {
    await drawing
    if (fault !== undefined) throw new Error(fault)
  }
  const lines = async (): Promise<string[]> => {
    await settle()
    const { active } = terminal.buffer
    return Array.from({ length: terminal.rows }, (_, y) => active.getLine(active.baseY + y)?.translateToString(true) ?? '')
  }
  const attached: Attached = {
    events,
    frames,
    closed,
    socket,
    say: (said) => socket.send(JSON.stringify(said)),
    sendRaw: (data) => socket.send(data),
    type: (data) => socket.send(JSON.stringify({ t: 'input', data })),
    async cells() {
      await settle()
      return cellsOf(terminal)
    },
    lines,
    seq: () => seq,
    until: async (text, timeoutMs = 20_000) => {
      await until(
        async () => {
          const screen = (await lines()).join('\n')
          if (typeof text === 'string' ? screen.includes(text) : text.test(screen)) return true
          throw new Error(`the screen is:\n${screen}\nevents: ${JSON.stringify(events.slice(-5))}`)
        },
        { what: `${String(text)} on the screen that ${node.name} shows`, timeoutMs },
      )
    },
    event: (t) =>
      until(() => events.findLast((event) => event.t === t) as never, {
        what: `the event ${t}, among ${events.map((one) => one.t).join(' ')}`,
        timeoutMs: 20_000,
      }),
    async leave() {
      socket.close(1000)
      await closed
    },
  }
  await until(() => events.length > 0 || socket.readyState > WebSocket.OPEN, {
    what: `an answer of terminal ${id} by ${node.name}`,
    timeoutMs: 30_000,
  })
  return attached
}

export async function openTerminal(node: RealNode, argv: string[], more: object = {}): Promise<string> {
  const { status, body } = await node.api<{ id: string; detail?: string }>('/api/terminals', { body: { argv, ...more } })
  if (status !== 201) throw new Error(`opening a terminal was answered with ${status}: ${JSON.stringify(body)}`)
  return body.id
}
