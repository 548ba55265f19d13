// The host of one terminal: a process of its own that holds the pseudoterminal and its mirror, and lets its node's clients attach. It
// outlives its node: killed or started again, the node finds it by its folder. It ends with its command, when its node says so, when its
// folder is gone, or when no node has come for it for a day.
import { chmodSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createHoldingClock, repeat, sleep } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import { createSweeper, type Mark, signalGroup } from '../process-sweep.ts'
import type { Attachments } from './attachments.ts'
import { createAttachments } from './attachments.ts'
import type { Mirror } from './mirror.ts'
import { createMirror } from './mirror.ts'
import type { Pty, PtyEnd } from './pty.ts'
import { openPty } from './pty.ts'
import type { HostEnd, HostOrder } from './wire.ts'
import { END_FILE, framesOf, hostOrder, SAID_BYTES_MAX, socketPathOf, toHost } from './wire.ts'

/** Without a node for so long nobody will come. */
const ALONE_MS_MAX = 24 * 3_600_000
const LOOK_MS = 2_000
const SWEEP_MS_MAX = 5_000
/** Readers may take so long for the last words. */
const GOODBYE_MS_MAX = 2_000
const CONNECTIONS_MAX = 128

const clock = createHoldingClock()
const sweeper = createSweeper(clock)

type Host = {
  order: HostOrder
  pty: Pty
  mirror: Mirror
  attachments: Attachments
  /** The node's own connection; it closes when all is over. */
  controls: Set<Socket>
  epoch: number
  askedToEnd: boolean
  aloneSinceMs: number
}

await main()

async function main(): Promise<void> {
  for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {})
  process.stdout.on('error', () => {}) // the node that waits for the first word may be gone by now
  try {
    const host = await open(hostOrder.parse(JSON.parse(await text(process.stdin))))
    process.stdout.end(`${JSON.stringify({ ready: true })}\n`)
    await goOn(host)
    process.exit(0)
  } catch (error) {
    const { code, cure } = error instanceof NimbusError ? error : { code: 'terminal-not-opened', cure: undefined }
    process.stdout.write(`${JSON.stringify({ code, message: messageOf(error), ...(cure === undefined ? {} : { cure }) })}\n`, () =>
      process.exit(1),
    )
  }
}

async function open(order: HostOrder): Promise<Host> {
  const mirror = createMirror({
    size: order.size,
    onReply: (answer) => void pty.type(answer),
    onBroken(error) {
      process.stderr.write(`the mirror broke and begins anew: ${messageOf(error)}\n`)
      attachments.refreshAll()
    },
  })
  const pty = await openPty({
    ...order,
    onOutput(bytes) {
      const seq = mirror.seq()
      mirror.feed(bytes)
      attachments.output(seq, bytes)
    },
  })
  const attachments = createAttachments({
    clock,
    mirror,
    type: pty.type,
    resize(size) {
      const now = mirror.size()
      if (now.cols === size.cols && now.rows === size.rows) return
      mirror.resize(size)
      attachments.resized(size)
      pty.resize(size)
    },
  })
  const host = { order, pty, mirror, attachments, controls: new Set<Socket>(), epoch: 0, askedToEnd: false, aloneSinceMs: clock.nowMs() }
  await listen(host)
  return host
}

async function listen(host: Host): Promise<void> {
  const path = socketPathOf(host.order.folder)
  rmSync(path, { force: true }) // of a host that was killed: that nobody is behind it was looked at before this one was started
  process.umask(0o177)
  const server = createServer((socket) => void converse(host, socket))
  server.maxConnections = CONNECTIONS_MAX
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  process.umask(0o077)
  chmodSync(path, 0o600)
}

async function converse(host: Host, socket: Socket): Promise<void> {
  socket.on('error', () => socket.destroy())
  let hear: ReturnType<Attachments['attach']> | undefined
  try {
    for await (const frame of framesOf(socket, SAID_BYTES_MAX)) {
      const said = toHost.safeParse(JSON.parse(Buffer.from(frame).toString('utf8'))).data
      if (said?.t === 'attach' && hear === undefined) hear = host.attachments.attach(socket, said)
      else if (said?.t === 'say' && hear !== undefined) hear(said.n, said.say)
      else if (said?.t === 'control') control(host, socket, said.epoch)
      else if (said?.t === 'end') endCommand(host, said.graceMs)
      else return void socket.destroy()
    }
  } catch {
    socket.destroy() // cut off, or not JSON
  }
}

/** A node with an older claim on the task is turned away; one with a newer claim takes the place of the one before. */
function control(host: Host, socket: Socket, epoch: number): void {
  if (epoch < host.epoch) return void socket.destroy()
  for (const before of host.controls) before.destroy()
  host.epoch = epoch
  host.controls.add(socket)
  socket.once('close', () => {
    host.controls.delete(socket)
    host.aloneSinceMs = clock.nowMs()
  })
}

function markOf({ order, pty }: Host): Mark {
  return { environment: `NIMBUS_TERMINAL=${order.task}`, groups: [pty.pid] }
}

/** A shell ends at SIGHUP and hands it on; what does not end in time is killed. */
function endCommand(host: Host, graceMs: number): void {
  host.askedToEnd = true
  for (const name of ['SIGHUP', 'SIGTERM', 'SIGCONT'] as const) signalGroup(host.pty.pid, name)
  clock.after(graceMs, () => void sweeper.end(markOf(host), SWEEP_MS_MAX))
}

async function goOn(host: Host): Promise<void> {
  const stopWatch = repeat(
    clock,
    LOOK_MS,
    () => watch(host),
    () => {},
  )
  const end = await host.pty.ended
  stopWatch()
  // What the command left in the background ends with its terminal.
  await sweeper.end(markOf(host), SWEEP_MS_MAX)
  leaveEnd(host, end)
  await Promise.race([host.attachments.end({ t: 'exit', ...end }), sleep(clock, GOODBYE_MS_MAX)])
  rmSync(socketPathOf(host.order.folder), { force: true })
}

function watch(host: Host): void {
  const isGone = statSync(socketPathOf(host.order.folder), { throwIfNoEntry: false }) === undefined
  const isAlone = host.controls.size === 0 && clock.nowMs() - host.aloneSinceMs > ALONE_MS_MAX
  if (isGone || isAlone) endCommand(host, 0)
}

/** For the node, also for one that comes later. */
function leaveEnd({ order, mirror, askedToEnd }: Host, end: PtyEnd): void {
  const said: HostEnd = { ...end, asked: askedToEnd, endedAt: clock.wallMs(), screen: mirror.text() }
  const file = join(order.folder, END_FILE)
  try {
    writeFileSync(`${file}.new`, JSON.stringify(said), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  } catch (error) {
    process.stderr.write(`the end cannot be written: ${messageOf(error)}\n`) // its folder is gone: nobody will ask
  }
}
