// All sessions that the logs speak of, as a part of the fold: what each worker says of a session, and the orders given to it. It
// takes in what was signed and never decides whose word counts: that follows from who holds the task (session-view.ts).
import type { Block } from '../../protocols/blocks.ts'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import { timeText } from '../../protocols/ids.ts'
import { FUTURE_MS_MAX, SESSION_TAKEN_MAX } from '../../protocols/limits.ts'
import type { Entry } from '../../protocols/records.ts'
import type { SessionOrder, SessionRecord } from '../../protocols/agents/session-records.ts'
import { hlcToMs } from '../kernel/hlc.ts'
import type { FoldPart } from '../tasks/fold/fold.ts'

/** Sessions that are remembered, the newest by ID. What falls out sets a floor that only rises: the result depends on the set alone. */
const SESSIONS_MAX = 5_000
/** Workers that speak of one session; more than one only where it moved. The newest words stay. */
const WORKERS_MAX = 16

export type GivenOrder = SessionOrder & { author: PeerId }
type Session = { records: Map<PeerId, SessionRecord>; orders: Map<TaskId, GivenOrder> }

export type SessionBook = {
  part: FoldPart
  /** What this worker said last of the session. */
  record(session: TaskId, worker: PeerId): SessionRecord | undefined
  /** Every worker's last word of it. */
  recordsOf(session: TaskId): ReadonlyMap<PeerId, SessionRecord>
  /** The last word of anybody, and whose it is. */
  newest(session: TaskId): SessionRecord | undefined
  newestWorker(session: TaskId): PeerId | undefined
  /** Oldest first. */
  orders(session: TaskId): GivenOrder[]
  /** Which account a worker used last, and until when that account has to wait: wall milliseconds. */
  limitOf(worker: PeerId): { untilMs: number } | undefined
  /** Every worker's last word of every session. */
  all(): IterableIterator<SessionRecord>
}

/** @param onChange hears of each session of which something was taken in */
export function createSessionBook(onChange: (session: TaskId) => void): SessionBook {
  const sessions = new Map<TaskId, Session>()
  let floor = ''
  /** Put together when it is asked for after a change. */
  let limits: { accounts: Map<PeerId, SessionRecord>; until: Map<string, number> } | undefined
  const findLimits = (): NonNullable<typeof limits> => {
    const accounts = new Map<PeerId, SessionRecord>()
    const until = new Map<string, number>()
    for (const { records } of sessions.values())
      for (const [worker, record] of records) {
        if (record.account === undefined) continue
        if (record.at >= (accounts.get(worker)?.at ?? 0)) accounts.set(worker, record)
        until.set(record.account, Math.max(until.get(record.account) ?? 0, record.limitedUntil ?? 0))
      }
    return { accounts, until }
  }
  const entryOf = (session: TaskId): Session | undefined => {
    const known = sessions.get(session)
    if (known !== undefined || session <= floor) return known
    const made: Session = { records: new Map(), orders: new Map() }
    sessions.set(session, made)
    if (sessions.size <= SESSIONS_MAX) return made
    const oldest = [...sessions.keys()].reduce((one, other) => (one < other ? one : other))
    sessions.delete(oldest)
    floor = oldest
    return sessions.get(session)
  }
  const putRecord = (record: SessionRecord, author: PeerId): boolean => {
    const records = entryOf(record.session)?.records
    const before = records?.get(author)
    if (records === undefined || (before !== undefined && !isNewer(record, before))) return false
    records.set(author, record)
    limits = undefined
    if (records.size > WORKERS_MAX) records.delete(oldestOf(records))
    return true
  }
  const putOrder = (order: SessionOrder, block: Block): boolean => {
    if (!order.id.startsWith(timeText(order.createdAt)) || order.createdAt > hlcToMs(block.hlc) + FUTURE_MS_MAX) return false
    const orders = entryOf(order.session)?.orders
    const before = orders?.get(order.id)
    if (orders === undefined || (before !== undefined && before.author <= block.author)) return false
    orders.set(order.id, { ...order, author: block.author })
    if (orders.size > SESSION_TAKEN_MAX) orders.delete([...orders.keys()].reduce((one, other) => (one < other ? one : other)))
    return orders.has(order.id)
  }
  return {
    part: {
      kinds: ['session', 'session-order'],
      apply(raw, block) {
        const entry = raw as Entry
        if (entry.kind === 'session' && putRecord(entry, block.author)) onChange(entry.session)
        else if (entry.kind === 'session-order' && putOrder(entry, block)) onChange(entry.session)
      },
      state: () => [
        floor,
        [...sessions]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([id, { records, orders }]) => [
            id,
            [...records].sort(([a], [b]) => (a < b ? -1 : 1)),
            [...orders].sort(([a], [b]) => (a < b ? -1 : 1)).map(([order, { author }]) => [order, author]),
          ]),
      ],
    },
    record: (session, worker) => sessions.get(session)?.records.get(worker),
    recordsOf: (session) => sessions.get(session)?.records ?? new Map(),
    newest: (session) => newestOf(sessions.get(session))?.[1],
    newestWorker: (session) => newestOf(sessions.get(session))?.[0],
    orders: (session) => [...(sessions.get(session)?.orders.values() ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1)),
    limitOf(worker) {
      limits ??= findLimits()
      const untilMs = limits.until.get(limits.accounts.get(worker)?.account ?? '') ?? 0
      return untilMs === 0 ? undefined : { untilMs }
    },
    *all() {
      for (const { records } of sessions.values()) yield* records.values()
    },
  }
}

function newestOf(entry: Session | undefined): [PeerId, SessionRecord] | undefined {
  return [...(entry?.records ?? [])].sort(([, one], [, other]) => (isNewer(other, one) ? 1 : -1))[0]
}

function isNewer(one: SessionRecord, other: SessionRecord): boolean {
  if (one.run !== other.run) return one.run > other.run
  if (one.task !== other.task) return one.task > other.task
  return one.epoch === other.epoch ? one.rev > other.rev : one.epoch > other.epoch
}

function oldestOf(records: ReadonlyMap<PeerId, SessionRecord>): PeerId {
  const [[first]] = [...records].sort(([a, one], [b, other]) => (isNewer(other, one) ? -1 : isNewer(one, other) ? 1 : a < b ? -1 : 1)) as [
    [PeerId, SessionRecord],
  ]
  return first
}
