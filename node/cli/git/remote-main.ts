// The remote helper of git: answers its few questions on stdin, then carries bytes between git and the node of this machine, which
// finds the worker that keeps the repository. Errors go to stderr in our words; git adds its own.
import WebSocket from 'ws'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import { findNode } from '../client.ts'
import { createCli, takeGlobals } from '../context.ts'
import { describeError } from '../exit-codes.ts'
import { readAddress } from './remote-address.ts'

const PIECE_BYTES_MAX = 64 * 1024
const OPEN_MS_MAX = 60_000
const LINE_BYTES_MAX = 4096

/** The bytes of stdin: lines first, then whatever git sends to the repository. */
const input = process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>
let kept = Buffer.alloc(0)

async function nextPiece(): Promise<Buffer | undefined> {
  if (kept.length > 0) {
    const piece = kept
    kept = Buffer.alloc(0)
    return piece
  }
  const { value, done } = await input.next()
  return done === true ? undefined : value
}

async function nextLine(): Promise<string | undefined> {
  let line = Buffer.alloc(0)
  for (;;) {
    const at = line.indexOf(0x0a)
    if (at >= 0) {
      kept = line.subarray(at + 1)
      return line.subarray(0, at).toString('utf8')
    }
    if (line.length > LINE_BYTES_MAX) return undefined
    const piece = await nextPiece()
    if (piece === undefined) return undefined
    line = Buffer.concat([line, piece])
  }
}

const io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env, workDir: process.cwd() }

async function serve(address: string): Promise<void> {
  const { worker, repo } = readAddress(address)
  for (let line = await nextLine(); line !== undefined && line !== ''; line = await nextLine()) {
    if (line === 'capabilities') process.stdout.write('connect\n\n')
    else if (line === 'connect git-upload-pack' || line === 'connect git-receive-pack') {
      return carry(await connect(`/api/git/${encodeURIComponent(worker)}/${encodeURIComponent(repo)}/${line.slice('connect '.length)}`))
    } else if (line.startsWith('connect ')) process.stdout.write('fallback\n')
    else
      throw new NimbusError('git-protocol', `git asks for ${JSON.stringify(line.slice(0, 80))}, which is not known here.`, {
        cure: 'Use git 2.18 or later.',
      })
  }
}

async function connect(path: string): Promise<WebSocket> {
  const { url, token } = await findNode(createCli(io, takeGlobals([]).globals, undefined))
  const socket = new WebSocket(url.replace(/^http/, 'ws') + path, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    handshakeTimeout: OPEN_MS_MAX,
  })
  return new Promise((resolve, reject) => {
    // Nothing is read before somebody listens.
    socket.once('open', () => (socket.pause(), resolve(socket)))
    socket.once('error', (error) =>
      reject(
        new NimbusError('no-node', `The node at ${url} does not answer: ${messageOf(error)}.`, {
          kind: 'unreachable',
          cure: 'Start it with nimbus up.',
        }),
      ),
    )
    socket.once('unexpected-response', (_request, { statusCode }) => reject(statusError(url, statusCode)))
  })
}

function statusError(url: string, status: number | undefined): NimbusError {
  if (status === 401)
    return new NimbusError('token-wrong', `The node at ${url} does not take this token.`, {
      cure: 'Give its own: NIMBUS_DATA names its data folder, or NIMBUS_TOKEN the token.',
    })
  if (status === 403)
    return new NimbusError('refused', `The node at ${url} refuses this: a task may clone and fetch, not push.`, {
      cure: "Use the operator's token.",
    })
  return new NimbusError('unexpected-answer', `${url} answered ${status} in a way no node does.`, {
    cure: 'Is it the address of a Nimbus node?',
  })
}

function problemOf(text: string): NimbusError {
  try {
    const { code, detail, cure } = JSON.parse(text) as Record<string, unknown>
    return new NimbusError(String(code), String(detail), typeof cure === 'string' ? { cure } : {})
  } catch {
    return new NimbusError('unexpected-answer', 'The answer is none of a node.', { cure: 'Is NIMBUS_URL the address of a Nimbus node?' })
  }
}

/** Until the repository's side has ended. */
async function carry(socket: WebSocket): Promise<void> {
  let failure: NimbusError | undefined
  let writing = Promise.resolve()
  let isOpen = false
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    // The repository's side speaks first: until then it may still refuse.
    if (isBinary && !isOpen) process.stdout.write('\n')
    isOpen ||= isBinary
    if (!isBinary) {
      if (data.toString('utf8') !== 'end') failure = problemOf(data.toString('utf8'))
      return
    }
    if (process.stdout.write(data)) return
    socket.pause()
    writing = new Promise((resolve) => process.stdout.once('drain', () => (socket.resume(), resolve())))
  })
  const over = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => {}) // `close` follows
  process.stdout.on('error', () => socket.terminate()) // git is gone
  socket.resume()
  void send(socket)
  await over
  await writing
  if (failure !== undefined) throw failure
}

async function send(socket: WebSocket): Promise<void> {
  for (let piece = await nextPiece(); piece !== undefined; piece = await nextPiece())
    for (let at = 0; at < piece.length; at += PIECE_BYTES_MAX) {
      const part = piece.subarray(at, at + PIECE_BYTES_MAX)
      await new Promise<void>((resolve) => (socket.readyState === socket.OPEN ? socket.send(part, () => resolve()) : resolve()))
    }
  if (socket.readyState === socket.OPEN) socket.send('end')
}

let code = 0
try {
  await serve(process.argv[3] ?? process.argv[2] ?? '')
} catch (error) {
  process.stderr.write(`${describeError(error, process.env)}\n`)
  code = 1
}
// What was written is out; a read of stdin that waits must not hold the process.
process.stdout.write('', () => process.exit(code))
