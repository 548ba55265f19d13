// The supervisor of one service: a process of its own under the guardian, so that it outlives its node where the guardian lets it, is
// frozen with the lease and ends with the node. It hears its orders from the folder of its run, and writes there what it sees.
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { constants } from 'node:os'
import { join } from 'node:path'
import { createHoldingClock } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import { startInstance } from '../../runner/commands/instance.ts'
import { runStep } from '../../runner/commands/run-step.ts'
import type { ServiceOrder, ServiceReport } from '../mailbox.ts'
import { post, watchMail } from '../mailbox.ts'
import { openDoor } from './door.ts'
import { probe } from './probe.ts'
import { createSupervisor } from './supervisor.ts'

/** Between the polite signal and the hard one. */
const GRACE_MS = 5_000
const BUILD_MS_MAX = 3_600_000
const BUILD_WORDS_MAX = 600
const SIGNAL_BASE = 128

const root = process.argv[2] ?? ''
const clock = createHoldingClock()
const built = new Set<string>()
const say = (line: string): void => void process.stderr.write(`nimbus: ${line}\n`)

/** Every report is written; of those that come while one is being written only the last. */
const mailer = (() => {
  let next: ServiceReport | undefined
  let writing: Promise<void> | undefined
  const write = async (): Promise<void> => {
    while (next !== undefined) {
      const report = next
      next = undefined
      await post(root, 'report.json', report).catch((error: unknown) => say(`its state cannot be written: ${messageOf(error)}`))
    }
    writing = undefined
  }
  return {
    tell(report: ServiceReport) {
      next = report
      writing ??= write()
    },
    done: () => writing ?? Promise.resolve(),
  }
})()

const supervisor = createSupervisor({
  clock,
  say,
  tell: mailer.tell,
  openDoor: (order) => openDoor(clock, order),
  probe: (order, port) => probe(clock, port, order.health),
  freePort,
  launch: (order, port) =>
    startInstance(clock, { ...commandOf(order, port), cwd: order.cwd, sandbox: sandboxOf(order), graceMs: GRACE_MS }),
  async build(order, signal) {
    if (order.build === undefined || built.has(order.cwd)) return
    say(`revision ${order.revision} is built`)
    const onOutput = (stream: 'stdout' | 'stderr', piece: Uint8Array): void => void process[stream].write(piece)
    const env = { ...order.env, ...handedOn(order) }
    const end = await runStep(clock, { argv: order.build, cwd: order.cwd, env, timeoutMs: BUILD_MS_MAX, signal, onOutput })
    if (end.exitCode !== 0)
      throw new NimbusError(
        'build-failed',
        `its build failed: ${end.output.trimEnd().split('\n').slice(-3).join(' / ').slice(-BUILD_WORDS_MAX)}`,
      )
    built.add(order.cwd)
  },
})

let wished = ''
watchMail(
  clock,
  { root, name: 'order.json' },
  {
    mail(order) {
      const wish = JSON.stringify([order.revision, order.launch])
      if (wish !== wished) supervisor.order(order)
      wished = wish
    },
    error: (error) => say(`its order cannot be read: ${messageOf(error)}`),
  },
)
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => void supervisor.stop())
const { exitCode, signal } = await supervisor.over
await mailer.done()
process.exit(exitCode ?? SIGNAL_BASE + (constants.signals[signal as NodeJS.Signals] ?? 0))

function commandOf({ argv, env, ...order }: ServiceOrder, port: number): { argv: string[]; env: Record<string, string> } {
  return {
    argv: argv.map((word) => word.replaceAll('{port}', String(port))),
    env: { ...env, ...handedOn(order), PORT: String(port), HOST: '127.0.0.1' },
  }
}

function handedOn({ handOn }: Pick<ServiceOrder, 'handOn'>): Record<string, string> {
  return Object.fromEntries(handOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']])))
}

/** The folder of the run lies inside the node's: the service sees its own part of it alone. */
function sandboxOf({ sandbox, cwd }: ServiceOrder): ServiceOrder['sandbox'] {
  return sandbox === undefined ? undefined : { ...sandbox, writable: [...new Set([join(cwd), ...sandbox.writable])] }
}

/** Free a moment ago; who takes it in between makes one start fail, and the next one gets another. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
