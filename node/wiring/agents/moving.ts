// Joins the moving of sessions to the mesh: whose words count, who may go on with a session, who keeps copies, and which blobs are named.
import { createHash } from 'node:crypto'
import { decodeCallAnswer, type CallRequest } from '../../../protocols/calls.ts'
import type { BlobHash, PeerId, TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/tasks/task-spec.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { notHereBeforeMs } from '../../agents/moving/home.ts'
import type { SavePorts } from '../../agents/moving/session-saves.ts'
import { newestOf, type SaidRecord } from '../../agents/moving/whereabouts.ts'
import type { SessionBook } from '../../agents/session-book.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'
import { mismatch } from '../../tasks/matching/match.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import type { BlobFetch } from '../../tasks/work/blob-fetch.ts'
import type { Sealing } from '../../trust/sealing.ts'

export type MovingComponents = {
  self: PeerId
  clock: Clock
  blobs: Pick<BlobStore, 'remove'>
  book: Pick<SessionBook, 'recordsOf' | 'orders' | 'all'>
  call(peer: PeerId, request: CallRequest, signal: AbortSignal): AsyncIterable<Uint8Array>
  fetch: Pick<BlobFetch, 'keep'>
}
export type MovingRooms = {
  engine: Engine
  fleet: Fleet
  sealing: Sealing
  sealingKey(peer: PeerId): Uint8Array | undefined
}
export type Moving = {
  open(rooms: MovingRooms): void
  ports(): SavePorts | undefined
  said(session: TaskId): SaidRecord[]
  notHereBeforeMs(state: TaskState): number
  /** Records of the session changed: what they do not name any more goes. */
  changed(session: TaskId): void
  /** Blobs that sessions name which were saved after this wall time. */
  named(sinceMs: number): Iterable<string>
  target(session: TaskId, worker: string): PeerId
  /** Another member wants this one to keep a copy of what a session there saved. */
  take(from: PeerId, blob: { hash: string; size: number }, signal: AbortSignal): Promise<void>
}

export function createMoving(components: MovingComponents): Moving {
  const { self, clock, book } = components
  const startedMs = clock.nowMs()
  const named = new Map<TaskId, Set<BlobHash>>()
  let rooms: MovingRooms | undefined
  const said = (session: TaskId): SaidRecord[] =>
    [...book.recordsOf(session)].flatMap(([worker, record]) => {
      const attempts = rooms?.engine.fold.task(record.task)?.attempts ?? []
      return attempts.some(({ epoch, holder }) => epoch === record.epoch && holder === worker) ? [{ worker, record }] : []
    })
  const silentMs = (peer: PeerId): number => {
    const view = rooms?.fleet.view(peer)
    if (view === undefined || view.state === 'left' || view.mode === 'leaving') return Infinity
    if (view.state === 'alive') return 0
    return Math.max(1, view.lastSeenMs < 0 ? clock.nowMs() - startedMs : view.lastSeenMs)
  }
  /** Here first, then in an order that differs from session to session. */
  const ordered = (session: TaskId, peers: readonly PeerId[]): PeerId[] => {
    const score = (peer: PeerId): string => createHash('sha256').update(session).update(peer).digest('hex')
    return [...peers].sort((a, b) => Math.min(1, silentMs(a)) - Math.min(1, silentMs(b)) || (score(a) < score(b) ? -1 : 1))
  }
  const specOf = (session: TaskId): TaskSpec | undefined => rooms?.engine.fold.task(session)?.task?.spec
  const workers = (session: TaskId): PeerId[] => {
    const { engine, fleet, sealingKey } = rooms as MovingRooms
    const { worker: _worker, resources: _resources, ...spec } = specOf(session) ?? { kind: 'agent', argv: [], priority: 0, attempts: 1 }
    const author = engine.fold.task(session)?.task?.author ?? self
    const by = { peer: author, name: fleet.nameOf(author) }
    const fits = fleet
      .offers()
      .filter((offer) => offer.node !== self && offer.slots > 0 && sealingKey(offer.node) !== undefined)
      .filter((offer) => mismatch(spec, by, { ...offer, alive: true, draining: false }) === undefined)
    const wanted = book.orders(session).flatMap(({ op, to }) => (op === 'move' && to !== undefined && to !== self ? [to] : []))
    return [
      ...new Set([
        ...wanted,
        ...ordered(
          session,
          fits.map(({ node }) => node),
        ),
      ]),
    ]
  }
  return {
    said,
    open: (there) => void (rooms = there),
    ports() {
      if (rooms === undefined) return undefined
      return {
        sealing: rooms.sealing,
        keyOf: rooms.sealingKey,
        readers: workers,
        copiers: (session) => workers(session).filter((peer) => silentMs(peer) === 0),
        async askToTake(peer, { hash, size }, signal) {
          for await (const frame of components.call(peer, { op: 'blob-take', hash, size }, signal)) {
            const answer = decodeCallAnswer(frame)
            if (answer?.t === 'error') throw new NimbusError(answer.code, answer.message, { kind: answer.kind })
            if (answer?.t === 'done') return
          }
          throw new NimbusError('call-cut', 'The member that was asked to keep a copy went away.', { kind: 'unreachable' })
        },
        fetch: components.fetch,
      }
    },
    notHereBeforeMs: (state) => notHereBeforeMs(state, { self, clock, said, silentMs }),
    changed(session) {
      const now = new Set([...book.recordsOf(session)].flatMap(([, { save }]) => save?.hash ?? []))
      for (const hash of named.get(session) ?? []) if (!now.has(hash)) void components.blobs.remove(hash).catch(() => {}) // the sweep takes it later
      if (now.size === 0) named.delete(session)
      else named.set(session, now)
    },
    *named(sinceMs) {
      for (const { save } of book.all()) if (save !== undefined && save.at >= sinceMs) yield save.hash
    },
    target(session, worker) {
      const { fleet, sealingKey } = rooms as MovingRooms
      const peer = fleet.find(worker)
      const offer = fleet.offers().find(({ node }) => node === peer)
      if (peer === undefined || offer === undefined)
        throw new NimbusError('worker-unknown', `There is no worker ${worker}.`, { kind: 'missing', cure: 'nimbus worker ls lists them.' })
      if (!offer.mayRun || offer.slots === 0 || (peer !== self && sealingKey(peer) === undefined))
        throw new NimbusError('worker-unfit', `Worker ${worker} runs no sessions.`, { kind: 'refused', cure: 'Name another one.' })
      const newest = newestOf(said(session))
      if (newest === undefined || newest.record.agentSession === undefined || newest.worker === peer) return peer
      // Its worker seals it to the new one, if it is there; otherwise it was so before or never will be.
      const sealed = newest.record.save?.sealed ?? []
      if (silentMs(newest.worker) === 0 || sealed.some(({ to }) => to === peer)) return peer
      const others = sealed.map(({ to }) => fleet.nameOf(to)).filter((name) => name !== fleet.nameOf(newest.worker))
      throw new NimbusError(
        'move-impossible',
        `Session ${session} is on ${fleet.nameOf(newest.worker)}, which cannot be reached, and nothing of it was saved for ${worker}.`,
        {
          kind: 'refused',
          cure: others.length === 0 ? 'Start that worker again.' : `Start that worker again, or name ${others.join(' or ')}.`,
        },
      )
    },
    async take(from, { hash }, signal) {
      if (await components.fetch.keep(hash, from, signal)) return
      throw new NimbusError('blob-out-of-reach', `The blob ${hash} could not be fetched.`, { kind: 'unreachable', cure: 'Ask again.' })
    },
  }
}
