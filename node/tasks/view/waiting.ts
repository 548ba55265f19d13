// Why a task waits, in words that name the cause and the cure. Pure; looks at the same match as the scheduler.
import type { WaitingView } from '../../../protocols/http/views.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { TaskState } from '../fold/fold.ts'
import { isAvailable } from '../fold/free-runs.ts'
import { buildAskOf } from '../builds/build-ask.ts'
import type { Mismatch, Offer } from '../matching/match.ts'
import { isFree, mismatch } from '../matching/match.ts'
import { RESOURCE_CODES } from '../matching/resources.ts'
import type { Closed } from '../names/gates.ts'
import { notBefore } from '../fold/transitions.ts'
import type { Need } from './waiting-graph.ts'
import { waitingForOthers } from './waiting-graph.ts'

/** Workers that one reason names. */
const NAMED_MAX = 5

export type WaitingContext = {
  wallMs: number
  offers: readonly Offer[]
  nameOf(peer: PeerId): string
  seats: { all: number; reachable: number; majority: number }
  /** What the task still waits for. */
  needs(task: TaskId): readonly Need[]
  isPaused(pool: string): boolean
  /** The key or rate that does not let it in now. */
  gate(spec: TaskSpec): Closed | undefined
  /** When it ends because nobody claimed it. */
  deadline(state: TaskState): number | undefined
}

export function waitingFor(state: TaskState, context: WaitingContext): WaitingView | undefined {
  const waiting = reasonOf(state, context)
  const deadline = waiting?.code === 'blocked' ? undefined : context.deadline(state)
  if (waiting === undefined || deadline === undefined) return waiting
  return { ...waiting, message: `${waiting.message}; its queue time-out is at ${new Date(deadline).toISOString()}` }
}

function reasonOf(state: TaskState, context: WaitingContext): WaitingView | undefined {
  const { task } = state
  if (task === undefined) return undefined
  const others = waitingForOthers(state, context.needs(state.id))
  if (others !== undefined) return others
  if (task.spec.kind === 'question')
    return { code: 'person', message: 'it waits for the answer of a person', since: task.createdAt, cure: `nimbus ask answer ${state.id}` }
  const since = Math.max(task.createdAt, state.value.notBefore ?? 0)
  const { seats, wallMs } = context
  if (seats.reachable < seats.majority && !isAvailable(state)) {
    const message = `this side reaches ${seats.reachable} of ${seats.all} keepers and needs ${seats.majority}: it may not claim`
    return {
      code: 'minority',
      message,
      since,
      cure: 'bring the other machines back, or ask a node on their side; if they are gone for good: nimbus group recover',
    }
  }
  const due = notBefore(state)
  if (due > wallMs) {
    const why = state.value.attempt > 1 ? `attempt ${state.value.attempt} waits after a failure` : 'it was published with a delay'
    return { code: 'scheduled', message: `${why}; it may start at ${new Date(due).toISOString()}`, since, cure: 'nothing to do' }
  }
  const { pool } = task.spec
  if (pool !== undefined && context.isPaused(pool))
    return { code: 'pool-paused', message: `pool ${pool} is paused`, since, cure: `nimbus pool resume ${pool}` }
  const author = { peer: task.author, name: context.nameOf(task.author) }
  const ask = buildAskOf(state)
  const judged = context.offers.map((offer) => ({ offer, mismatch: mismatch(task.spec, author, offer, ask) }))
  const able = judged.filter((one) => one.mismatch === undefined)
  if (able.length === 0) return noWorker(judged, since)
  const closed = context.gate(task.spec)
  if (closed !== undefined) return atGate(closed, since, context)
  if (able.every(({ offer }) => offer.freeSlots <= 0)) {
    const slots = able.reduce((sum, { offer }) => sum + offer.slots, 0)
    const names = able.map(({ offer }) => offer.name).slice(0, 5)
    return {
      code: 'slots',
      message: slots === 1 ? `the only slot of ${names[0]} is busy` : `all ${slots} slots of ${names.join(', ')} are busy`,
      since,
      cure: 'wait, add a worker, or start one with more --slots',
    }
  }
  if (!able.some(({ offer }) => isFree(task.spec, offer))) {
    const names = able.map(({ offer }) => offer.name).slice(0, 5)
    const message = `the resources that it asks for are reserved by running tasks of ${names.join(', ')}`
    return { code: 'resources', message, since, cure: 'wait, add a worker, or ask for less' }
  }
  return { code: 'claiming', message: 'a worker is about to claim it', since, cure: 'nothing to do' }
}

function atGate(closed: Closed, since: number, { nameOf }: WaitingContext): WaitingView {
  const { key, limit } = closed
  if (closed.gate === 'rate') {
    const message = `rate ${key} allows ${limit} starts in ${closed.perMs} ms; the next is at ${new Date(closed.atMs).toISOString()}`
    return { code: 'rate', message, since, cure: 'nothing to do' }
  }
  const holders = closed.places.slice(0, 5).map(({ what, node }) => `${what} on ${nameOf(node)}`)
  return {
    code: 'concurrency',
    message: `key ${key} allows ${limit} at a time; it is held by ${holders.join(', ')}`,
    since,
    cure: 'wait, or cancel one of them',
  }
}

/** The reason that the most fitting worker gave: the one that failed last in the order of checks. */
function noWorker(judged: readonly { offer: Offer; mismatch: Mismatch | undefined }[], since: number): WaitingView {
  const order = [
    'other-worker',
    'skill',
    'role',
    'pool',
    'label',
    ...RESOURCE_CODES,
    'tool',
    'tried',
    'secret',
    'viewer',
    'accept',
    'account-limited',
    'budget-exhausted',
    'draining',
    'offline',
  ]
  const nearest = judged
    .flatMap((one) => (one.mismatch === undefined ? [] : [{ name: one.offer.name, ...one.mismatch }]))
    .sort((a, b) => order.indexOf(b.code) - order.indexOf(a.code))[0]
  if (nearest === undefined) return { code: 'no-worker', message: 'the mesh has no worker', since, cure: 'start one with nimbus up' }
  const { code, message, cure, name } = nearest
  if (code === 'tool') {
    const lacking = judged.flatMap((one) => (one.mismatch?.code === code ? [`${one.offer.name}: ${one.mismatch.message}`] : []))
    return { code, message: `no worker has all tools of this build; ${lacking.slice(0, NAMED_MAX).join('; ')}`, since, cure }
  }
  return {
    code,
    message: code === 'other-worker' ? `${message}, which is not here` : `no worker fits; the nearest is ${name}: ${message}`,
    since,
    cure,
  }
}
