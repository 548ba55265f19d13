// The guardian: parent of all work of one node, in a process of its own. It outlives the node by the moment that it takes to end
// the work and say so. It decides nothing, knows no tasks and no mesh, and imports as little as possible: the first run waits for it.
import { createSocket } from 'node:dgram'
import { type Cancel, createHoldingClock, sleep } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import { createSweeper, signalGroup } from '../process-sweep.ts'
import type { FromGuardian, RunOrder, Target, ToGuardian } from '../run-order.ts'
import { type GuardedRun, startRun } from './guarded-run.ts'

/** The node's successor waits 10 s for its predecessor's guardian. */
const LAST_SWEEP_MS_MAX = 8_000
/** A datagram may get lost: each target gets three. */
const LAST_WORDS_AT_MS = [0, 50, 200]
/** A host name may take its time to resolve. */
const SEND_MS_MAX = 500
const GROWTH_MS = 20
/** While work depends on a lease, it is looked at this often: after a sleep of the machine, timers come late. */
const LEASE_LOOK_MS_MAX = 100
const LEASES_MAX = 64

const clock = createHoldingClock()
const sweeper = createSweeper(clock)
/** Marks all work of this data folder. */
const dataMark = `NIMBUS_DATA_ID=${process.argv[2] ?? ''}`
const runs = new Map<string, GuardedRun>()
/** Orders whose process is not there yet; the value is what ends it at once when it is. */
const starting = new Map<string, { graceMs: number; reason: string } | undefined>()
const growing = new Map<string, number>()
/** Until when the work of each lease may run. A lease that was never told is over: better late than twice. */
const leases = new Map<string, number>()
let leaseTimer: Cancel = () => {}
let lastWords: { datagram: Uint8Array; targets: Target[] } | undefined
let nodeGone = false

process.on('message', (message) => receive(message as ToGuardian))
process.on('disconnect', () => void endEverything())
// The terminal's Ctrl-C is for the node; the guardian goes when the node does.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {})
// A fault in one place must not leave the work of all others behind: the node ends it when it sees this exit, or it is ended here.
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error.stack}\n`)
  if (!nodeGone) process.exit(1)
})

function receive(message: ToGuardian): void {
  switch (message.type) {
    case 'start':
      return void start(message.order)
    case 'stop':
      if (starting.has(message.id)) starting.set(message.id, message)
      return runs.get(message.id)?.stop(message.graceMs, message.reason)
    case 'lease':
      // The order of telling is the order of age: the newest is last, the oldest goes first.
      leases.delete(message.name)
      leases.set(message.name, message.untilMs)
      if (leases.size > LEASES_MAX) leases.delete(leases.keys().next().value as string)
      return applyLeases()
    case 'last-words':
      lastWords = message
      return
    case 'bye':
      // Said by a node that stops in order: nothing runs any more, and nobody needs to be told.
      lastWords = undefined
      process.disconnect()
  }
}

async function start(order: RunOrder): Promise<void> {
  starting.set(order.id, undefined)
  try {
    const run = await startRun({ clock, sweeper, mayStart: () => !nodeGone, onGrowth: (size) => tellGrowth(order.id, size) }, order)
    runs.set(order.id, run)
    tell({ type: 'started', id: order.id, pid: run.pid })
    applyLeases()
    const stop = starting.get(order.id)
    starting.delete(order.id)
    if (stop) run.stop(stop.graceMs, stop.reason)
    const end = await run.ended
    runs.delete(order.id)
    growing.delete(order.id)
    tell({ type: 'ended', end })
  } catch (error) {
    starting.delete(order.id)
    const { code, cure } = error instanceof NimbusError ? error : { code: 'start-failed', cure: undefined }
    tell({ type: 'refused', id: order.id, code, message: messageOf(error), cure: cure ?? 'Look at the log of the node.' })
  }
}

function applyLeases(): void {
  leaseTimer()
  const nowMs = clock.nowMs()
  let nextMs = Infinity
  for (const run of runs.values()) {
    if (run.lease === undefined) continue
    const untilMs = leases.get(run.lease) ?? 0
    if (nowMs >= untilMs) run.freeze()
    else {
      run.thaw()
      nextMs = Math.min(nextMs, untilMs)
    }
  }
  if (nextMs < Infinity) leaseTimer = clock.after(Math.min(nextMs - nowMs, LEASE_LOOK_MS_MAX), applyLeases)
}

/** The pipe to the node is closed: it crashed, was killed, or said goodbye. */
async function endEverything(): Promise<void> {
  if (nodeGone) return
  nodeGone = true
  leaseTimer()
  const all = [...runs.values()]
  for (const run of all) signalGroup(run.pid, 'SIGKILL')
  for (const run of all) run.stop(0, 'its node died')
  const logs = Promise.all(all.map((run) => run.ended))
  const survivors = await sweeper.end({ environment: dataMark, groups: all.map((run) => run.pid) }, LAST_SWEEP_MS_MAX)
  // Only a proven end may be said: it permits others to begin the same work.
  if (survivors.length === 0 && lastWords) await sendLastWords(lastWords.datagram, lastWords.targets)
  await Promise.race([logs, sleep(clock, LAST_SWEEP_MS_MAX)])
  process.exit(0)
}

async function sendLastWords(datagram: Uint8Array, targets: readonly Target[]): Promise<void> {
  const sockets = { 4: createSocket('udp4'), 6: createSocket('udp6') }
  // A target that cannot be reached has missed it; its lease runs out instead.
  for (const socket of Object.values(sockets)) socket.on('error', () => {})
  const say = ({ host, port }: Target): Promise<void> =>
    new Promise((sent) => {
      try {
        sockets[host.includes(':') ? 6 : 4].send(datagram, port, host, () => sent())
      } catch {
        sent() // a port that is none
      }
    })
  const copies = LAST_WORDS_AT_MS.map(async (delayMs) => {
    if (delayMs > 0) await sleep(clock, delayMs)
    await Promise.race([Promise.all(targets.map(say)), sleep(clock, SEND_MS_MAX)])
  })
  await Promise.all(copies)
}

/** Followers read the file; they only need to hear that there is more, not each time how much. */
function tellGrowth(id: string, size: number): void {
  const waiting = growing.has(id)
  growing.set(id, size)
  if (waiting) return
  clock.after(GROWTH_MS, () => {
    const latest = growing.get(id)
    growing.delete(id)
    if (latest !== undefined) tell({ type: 'grown', id, logSize: latest })
  })
}

function tell(message: FromGuardian): void {
  // A send that fails means that the node is gone; the disconnect says so.
  if (!nodeGone && process.connected) process.send?.(message, undefined, undefined, () => {})
}
