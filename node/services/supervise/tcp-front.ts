// The TCP side of a door: each connection goes to the process that is live when it comes, and stays there until it ends.
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import type { Front, Route } from './traffic.ts'

export function createTcpFront(route: Route): Front {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => void handle(route, socket, sockets))
  return {
    server,
    retire() {}, // a connection has no end between two requests
    cut() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function handle(route: Route, socket: Socket, sockets: Set<Socket>): Promise<void> {
  sockets.add(socket)
  socket.on('error', () => socket.destroy())
  socket.on('close', () => sockets.delete(socket))
  const port = await route.target()
  if (port === undefined || socket.destroyed) return void socket.destroy()
  const leave = route.enter(port)
  const onward = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  sockets.add(onward)
  onward.on('error', () => {
    onward.destroy()
    socket.destroy()
  })
  onward.on('close', () => {
    sockets.delete(onward)
    socket.destroy()
    leave()
  })
  socket.on('close', () => onward.destroy())
  socket.pipe(onward).pipe(socket)
  socket.resume()
}
