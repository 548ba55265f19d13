// The process of one session on its worker: started by the guardian as the work of a task, speaks with the agent, writes one JSON line
// an event to its output, and ends with the session. Everything it needs stands in the session's folder.
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import { createHoldingClock } from '../../kernel/clock.ts'
import { runSessionHost } from './session-host.ts'

const [root = ''] = process.argv.slice(2)
const clock = createHoldingClock()
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
process.on('SIGINT', () => stop.abort())

const write = (line: object): void => void process.stdout.write(`${JSON.stringify({ time: clock.wallMs(), ...line })}\n`)
try {
  process.exitCode = await runSessionHost({ clock, environment: process.env, write, signal: stop.signal }, root)
} catch (error) {
  const { code, cure } = error instanceof NimbusError ? error : { code: 'host-failed', cure: undefined }
  write({ type: 'end', state: 'failed', reason: { code, message: messageOf(error), ...(cure === undefined ? {} : { cure }) } })
  process.exitCode = 1
}
// What is still open (a socket of the gate, a timer) must not keep a session alive that has ended.
process.stdout.write('', () => process.exit())
