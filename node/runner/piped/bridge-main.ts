// Runs inside a sandbox that has no network: opens one port on the sandbox's own loopback, which leads to a socket of the host, and
// starts the command with that port's address in its environment. It imports nothing of ours: only this file is there to be read.
//
//   node bridge-main.ts SOCKET COMMAND ARGS…     `{gate}` in a value of the environment becomes 127.0.0.1:PORT
import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

const SIGNAL_BASE = 128
const CONNECTIONS_MAX = 256
const [socketPath = '', file = '', ...args] = process.argv.slice(2)

const server = createServer((inside) => {
  const outside = connect(socketPath)
  inside.pipe(outside).pipe(inside)
  inside.on('error', () => outside.destroy())
  outside.on('error', () => inside.destroy())
  inside.on('close', () => outside.destroy())
  outside.on('close', () => inside.destroy())
})
server.maxConnections = CONNECTIONS_MAX
server.listen(0, '127.0.0.1', () => {
  const gate = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value?.replaceAll('{gate}', gate)]))
  const child = spawn(file, args, { stdio: 'inherit', env })
  child.once('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(SIGNAL_BASE - 1)
  })
  child.once('exit', (code, signal) => process.exit(code ?? SIGNAL_BASE + (signal === 'SIGKILL' ? 9 : 15)))
  // A signal to the group reaches the command by itself; this one waits for it.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {})
})
