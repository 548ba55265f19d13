// Where a guardian waits for the process that goes on with its work: a socket in the data folder, for one that knows the key.
import { timingSafeEqual } from 'node:crypto'
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { deserialize, serialize } from 'node:v8'
import { frameBytes, framesOf } from '../local-socket.ts'
import type { FromGuardian, ToGuardian } from '../run-order.ts'

/** An order to start a run holds its whole environment. */
export const GUARDIAN_FRAME_BYTES_MAX = 16 * 2 ** 20
const CONNECTIONS_MAX = 4

export type Successor = {
  send(message: FromGuardian): void
  /** Hands on what it says; settles when it is gone. */
  hear(receive: (message: ToGuardian) => void): Promise<void>
}

/** Settles once the socket is open, with a promise of the first that says the key. Who says anything else is cut off. */
export async function awaitSuccessor({ socket: path, key }: { socket: string; key: string }): Promise<{ arrived: Promise<Successor> }> {
  const found = Promise.withResolvers<Successor>()
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    void greet(socket, key).then((successor) => {
      if (successor === undefined) return void socket.destroy()
      server.close()
      rmSync(path, { force: true })
      found.resolve(successor)
    })
  })
  server.maxConnections = CONNECTIONS_MAX
  rmSync(path, { force: true })
  const mask = process.umask(0o177)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve)).finally(() => process.umask(mask))
  chmodSync(path, 0o600)
  return { arrived: found.promise }
}

async function greet(socket: Socket, key: string): Promise<Successor | undefined> {
  const frames = framesOf(socket, GUARDIAN_FRAME_BYTES_MAX)
  try {
    const { value } = await frames.next()
    const said = value === undefined ? undefined : (deserialize(value) as ToGuardian)
    if (said?.type !== 'adopt' || !isSame(said.key, key)) return undefined
  } catch {
    return undefined // cut off, or no words of ours
  }
  return {
    send: (message) => void (socket.writable && socket.write(frameBytes(serialize(message)))),
    async hear(receive) {
      try {
        for await (const frame of frames) receive(deserialize(frame) as ToGuardian)
      } catch {
        // cut off: the node is gone
      }
    },
  }
}

function isSame(said: unknown, key: string): boolean {
  const [a, b] = [Buffer.from(typeof said === 'string' ? said : ''), Buffer.from(key)]
  return a.length === b.length && timingSafeEqual(a, b)
}
