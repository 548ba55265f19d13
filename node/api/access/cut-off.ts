// Ends what is open with a token the moment the token ends: logs, event streams, sockets, whatever its route. The connection is the
// one place where all of them meet.
import { Socket } from 'node:net'

const watched = new WeakMap<Socket, AbortSignal>()

/** @param socket where a request of ours to ourselves stands for it (a tool of MCP), the one outside is watched already */
export function cutOff(socket: unknown, ended: AbortSignal): void {
  if (!(socket instanceof Socket) || watched.get(socket) === ended) return
  watched.set(socket, ended)
  const end = (): void => void socket.destroy()
  ended.addEventListener('abort', end, { once: true })
  socket.once('close', () => ended.removeEventListener('abort', end))
}
