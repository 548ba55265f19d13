// The queue of the mesh at one node, without any I/O: ledger, fold, keeper, proposer, lease, scheduler and execution, wired.
// Messages and timers go in; sends, writes, processes and events come out through ports. The same code runs on libp2p and
// LevelDB and, a thousand times over, in the simulator.
import type { Block, SealedBlock } from '../../protocols/blocks.ts'
import type { PeerId, TaskId, Term } from '../../protocols/ids.ts'
import type { Entry, RegisterValue } from '../../protocols/records.ts'
import type { GroupConfig, Head, LinkMessage } from '../../protocols/streams.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Hlc } from '../kernel/hlc.ts'
import type { Random } from '../kernel/random.ts'
import type { Accept, Verdict } from '../replication/accept.ts'
import { createAccept } from '../replication/accept.ts'
import { createAntiEntropy } from '../replication/anti-entropy.ts'
import type { BlockStore } from '../replication/block-store.ts'
import { createDurability } from '../replication/durability.ts'
import { createLedger } from '../replication/ledger.ts'
import { createVector } from '../replication/vector.ts'
import type { Write } from '../store/database.ts'
import type { Execution, Work } from './execution.ts'
import { createExecution } from './execution.ts'
import type { Fold, FoldListener, TaskState } from './fold.ts'
import { createFold } from './fold.ts'
import type { Register } from './claims/keeper.ts'
import { createKeeper } from './claims/keeper.ts'
import { createLease } from './claims/lease.ts'
import type { Offer } from './match.ts'
import { createTaskIndex } from './task-index.ts'
import type { Proposer } from './claims/proposer.ts'
import { createProposer } from './claims/proposer.ts'
import { createQuorum } from './claims/quorum.ts'
import type { Scheduler } from './scheduler.ts'
import { createScheduler } from './scheduler.ts'
import type { SeatState, Seats } from './claims/seats.ts'
import { createSeats } from './claims/seats.ts'
import { createTerms } from './claims/terms.ts'
import { cancelFree, claim } from './transitions.ts'

export type EngineComponents = {
  self: PeerId
  epoch: number
  clock: Clock
  random: Random
  hlc: Hlc
  blocks: BlockStore
  sign(bytes: Uint8Array): Uint8Array
  verify(author: PeerId, bytes: Uint8Array, signature: Uint8Array): boolean
  persist(writes: readonly Write[], done: () => void): void
  saveSeat(state: SeatState, done: () => void): void
  net: { send(peer: PeerId, message: LinkMessage): boolean; linked(): PeerId[] }
  trust: {
    wasMember(peer: PeerId): boolean
    mayPublish(peer: PeerId): boolean
    cutOf(peer: PeerId, epoch: number): number | undefined
    /** Members that may keep registers, longest certified first. */
    keepers(): PeerId[]
  }
  work: Work
  offers(): readonly Offer[]
  nameOf(peer: PeerId): string
  slots(): number
  listener: {
    onTask(state: TaskState, entry: Entry['kind'], block: Block): void
    onProfile(node: PeerId): void
    onGroup(config: GroupConfig): void
    onRuns(): void
    onLease(untilMs: number | undefined, term: Term): void
    onFork(author: PeerId): void
    /** A peer sent what it must not. */
    onReject(peer: PeerId, verdict: Extract<Verdict, { verdict: 'reject' }>): void
    onError(error: unknown): void
  }
}

/** What the store gave back at start. */
export type Stored = { registers: Map<TaskId, Register>; ended: Set<string>; seat: SeatState; blocks: AsyncIterable<SealedBlock> }

export type Engine = {
  fold: Fold
  proposer: Proposer
  execution: Execution
  scheduler: Scheduler
  seats: Seats
  start(): void
  stop(): void
  /** Writes an entry into this node's log. @returns its block's seq, for `durable` */
  append(entry: Entry): number
  /** Settles once a majority of the group has the block on disk, or with `local` after the time-out. */
  durable(seq: number, timeoutMs: number): Promise<'majority' | 'local'>
  onMessage(from: PeerId, message: LinkMessage): void
  onPeerUp(peer: PeerId): void
  /** Gossip told of logs that stand further than here. */
  onHeads(from: PeerId, heads: readonly Head[]): void
  /** The node of a term said itself that it is over: by its guardian, or at its next start. */
  onLastWords(node: PeerId, term: Term): void
  /** Ends an own term of an earlier epoch: its processes are gone for certain. */
  endOwnTerm(term: Term): void
  term(): Term
  heads(): readonly Head[]
  /** Task IDs, newest first, older than `before` where it is given. */
  newestTasks(before?: string): Iterable<TaskId>
  /** Settles when the task changes next, or when the signal fires. */
  changed(task: TaskId, signal: AbortSignal): Promise<void>
  /** The fold's hash; computed anew only after a change. */
  foldHash(): string
  /** The newest log of this node itself. */
  ownHeads(): readonly Head[]
  /** Tasks that a node holds. */
  heldBy(node: PeerId): TaskId[]
}

const CLAIM_DEADLINE_MS = 2_000
const SEATS_MAX = 5

export async function createEngine(components: EngineComponents, stored: Stored): Promise<Engine> {
  const { self, epoch, clock, random, net, trust, persist, listener } = components
  const vector = createVector()
  const claiming = new Set<TaskId>()
  const holding = new Map<TaskId, { node: PeerId; term: Term }>()
  let current: Block | undefined
  let hash: string | undefined

  const foldListener: FoldListener = {
    onTask(state, kind) {
      trackHolder(state)
      index.touch(state)
      if (!started) return
      scheduler.onTask(state)
      if (kind === 'cancel') execution.onCancel(state.id)
      if (state.value.holder === self && state.value.state === 'held') execution.hold(state.id, state.value)
      if (current !== undefined) listener.onTask(state, kind, current)
    },
    onTerm(node, term) {
      if (!started) return
      if (node === self) lease.ended(term)
      for (const [task, held] of holding) {
        const state = fold.task(task)
        if (held.node === node && held.term === term && state !== undefined) scheduler.onTask(state)
      }
    },
    onProfile: (node) => (started ? (scheduler.wake(), listener.onProfile(node)) : undefined),
    onGroup: (config) => (started ? (seats.learn(config), listener.onGroup(config)) : undefined),
  }
  const index = createTaskIndex()
  const fold = createFold(foldListener, { mayPublish: trust.mayPublish })
  const trackHolder = (state: TaskState): void => {
    const { state: name, holder, term } = state.value
    if (name === 'held' && holder !== undefined && term !== undefined) holding.set(state.id, { node: holder, term })
    else holding.delete(state.id)
  }
  const apply = (block: Block): void => {
    current = block
    hash = undefined
    fold.apply(block)
    current = undefined
  }

  // Restore: the fold is computed from the stored blocks before anything runs.
  let started = false
  const durability = createDurability({ self, clock, seats: () => seats.config().seats })
  const ledger = createLedger({
    self,
    epoch,
    hlc: components.hlc,
    vector,
    blocks: components.blocks,
    sign: components.sign,
    persist,
    push: (sealed) => {
      for (const peer of net.linked()) net.send(peer, { t: 'blocks', blocks: [[sealed.body, sealed.signature]] })
    },
    fold: apply,
    onOwnDurable: (seq) => durability.acknowledged(self, seq),
  })
  for await (const sealed of stored.blocks) ledger.restore(sealed)

  const keeper = createKeeper(
    {
      clock,
      persist,
      taskOf: (id) => {
        const task = fold.task(id)?.task
        return task === undefined ? undefined : { preferred: task.preferred?.[0] }
      },
    },
    stored,
  )
  const quorum = createQuorum(
    { self, clock, send: net.send, askSelf: (message, reply) => onRequest(self, message, reply) },
    Math.floor(random.next() * 2 ** 31),
  )
  const logged = (config: GroupConfig): void => {
    if ((fold.group()?.version ?? 0) < config.version) ledger.append({ kind: 'group', group: 'default', ...config })
  }
  const seats: Seats = createSeats(
    {
      self,
      clock,
      random,
      quorum,
      keeper,
      save: components.saveSeat,
      wanted: (config) => wantedSeats(config.seats, trust.keepers(), (peer) => peer === self || net.linked().includes(peer)),
      linked: (peer) => net.linked().includes(peer),
      send: net.send,
      onDecided(config) {
        durability.recheck()
        // The deciding seat logs it at once; the others only if that seat died before it could.
        if (config.seats[0] === self) queueMicrotask(() => logged(config))
        else if (config.seats.includes(self)) clock.after(2_000, () => logged(config))
      },
    },
    fold.group() !== undefined && (fold.group()?.version ?? 0) > stored.seat.config.version
      ? { ...stored.seat, config: fold.group() ?? stored.seat.config }
      : stored.seat,
  )
  const onStale = (_: PeerId, config: GroupConfig): void => seats.learn(config)
  const proposer = createProposer({
    self,
    epoch,
    clock,
    random,
    quorum,
    config: seats.config,
    onStale,
    preferredOf: (task) => {
      const state = fold.task(task)
      return state !== undefined && state.value.version === 0 ? state.task?.preferred : undefined
    },
    onChosen(task, value) {
      if ((fold.task(task)?.value.version ?? -1) < value.version) ledger.append({ kind: 'register', task, value })
    },
  })
  const lease = createLease({
    self,
    epoch,
    clock,
    quorum,
    config: seats.config,
    onStale,
    needed: () => claiming.size > 0 || execution.runs().length > 0,
    onValid(term, untilMs) {
      listener.onLease(untilMs, term)
      execution.onLeaseValid()
    },
    onEnded(term) {
      listener.onLease(undefined, term)
      execution.onTermEnded(term)
    },
  })
  const execution = createExecution({
    self,
    clock,
    random,
    fold,
    lease,
    proposer,
    work: components.work,
    onChange() {
      listener.onRuns()
      scheduler.wake()
    },
  })
  const claimer = () => ({ node: self, term: lease.term(), wallMs: clock.wallMs(), termEnded: fold.termEnded })
  const scheduler: Scheduler = createScheduler({
    self,
    clock,
    fold,
    offers: components.offers,
    authorName: components.nameOf,
    freeSlots: () => components.slots() - execution.runs().length - claiming.size,
    isBusyWith: (task) => claiming.has(task) || execution.runs().some((run) => run.task === task),
    claim: (task) => void tryClaim(task).catch(listener.onError),
    cancel: (task) => void tryCancel(task).catch(listener.onError),
  })
  const terms = createTerms({
    self,
    clock,
    quorum,
    config: seats.config,
    onStale,
    holding: () => distinctTerms(holding.values()),
    isCurrent: (node, term) => node === self && term === lease.term(),
    remainingMs: keeper.remainingMs,
    termEnded: fold.termEnded,
    onEnded: (node, term) => void ledger.append({ kind: 'term', node, term }),
  })
  const accept: Accept = createAccept({
    self,
    epoch,
    vector,
    ledger,
    wallMs: clock.wallMs,
    verify: components.verify,
    mayAuthor: trust.wasMember,
    cutOf: trust.cutOf,
    onFork: (author) => listener.onFork(author),
  })
  const antiEntropy = createAntiEntropy({
    clock,
    random,
    vector,
    blocks: components.blocks,
    linked: net.linked,
    send: net.send,
    isLinked: (peer) => net.linked().includes(peer),
    onError: listener.onError,
  })

  const tryClaim = async (task: TaskId): Promise<void> => {
    claiming.add(task)
    lease.wake()
    const mine = claimer()
    const change = await proposer.change(task, claim(mine), CLAIM_DEADLINE_MS)
    claiming.delete(task)
    const value: RegisterValue | undefined = 'changed' in change ? change.changed : 'refused' in change && change.refused === 'mine' ? change.current : undefined
    if (value !== undefined) execution.hold(task, value)
    else scheduler.again(task)
    scheduler.wake()
  }
  const tryCancel = async (task: TaskId): Promise<void> => {
    claiming.add(task)
    await proposer.change(task, cancelFree(claimer()), CLAIM_DEADLINE_MS)
    claiming.delete(task)
    scheduler.again(task)
  }

  const onBlocks = (from: PeerId, message: Extract<LinkMessage, { t: 'blocks' }>): void => {
    antiEntropy.onProgress(from)
    const verdicts = accept.blocks(
      message.blocks.map(([body, signature]) => ({ body, signature })),
      (block) => {
        if (block.author === from) net.send(from, { t: 'ack', epoch: block.epoch, seq: block.seq })
      },
    )
    for (const verdict of verdicts) {
      if (verdict.verdict === 'reject') listener.onReject(from, verdict)
      if (verdict.verdict === 'wait') antiEntropy.onBehind(from)
    }
  }
  /** What this node answers as a seat; silent where it does not vote. */
  function onRequest(from: PeerId, message: LinkMessage, reply: (answer: LinkMessage) => void): void {
    if (message.t === 'seat-prepare' || message.t === 'seat-accept' || message.t === 'seat-read') return seats.onRequest(from, message, reply)
    if (message.t !== 'prepare' && message.t !== 'accept' && message.t !== 'renew' && message.t !== 'fence') return
    const { id } = message
    if (message.version !== seats.config().version) return reply({ t: 'stale', id, config: seats.config() })
    if (!seats.votes(message.version)) return
    if (message.t === 'prepare') return keeper.prepare(message.items, (items) => reply({ t: 'answers', id, items }))
    if (message.t === 'accept') return keeper.accept(message.items, (items) => reply({ t: 'answers', id, items }))
    if (message.t === 'renew') return reply({ t: 'renewed', id, term: message.term, ok: keeper.renew(from, message.term) })
    keeper.end(message.node, message.term, message.own === true && from === message.node, (ok, remainingMs) =>
      reply({ t: 'fenced', id, ok, ...(remainingMs === undefined ? {} : { remainingMs: Math.ceil(remainingMs) }) }),
    )
  }

  return {
    fold,
    proposer,
    execution,
    scheduler,
    seats,
    start() {
      started = true
      seats.start()
      terms.start()
      antiEntropy.start()
      for (const state of fold.tasks()) scheduler.onTask(state)
    },
    stop() {
      for (const part of [seats, terms, antiEntropy, lease, scheduler]) part.stop()
    },
    append: ledger.append,
    durable: durability.wait,
    onMessage(from, message) {
      switch (message.t) {
        case 'blocks':
          return onBlocks(from, message)
        case 'ack':
          return message.epoch === epoch ? durability.acknowledged(from, message.seq) : undefined
        case 'digest':
          return antiEntropy.onDigest(from, message)
        case 'vector':
          return antiEntropy.onVector(from, message)
        case 'stale':
          if (!quorum.onAnswer(from, message.id, message)) seats.learn(message.config)
          return
        case 'answers':
        case 'renewed':
        case 'fenced':
        case 'seat-promise':
        case 'seat-accepted':
        case 'seat-state':
          quorum.onAnswer(from, message.id, message)
          return
        default:
          return onRequest(from, message, (answer) => void net.send(from, answer))
      }
    },
    onPeerUp(peer) {
      antiEntropy.onLink(peer)
      scheduler.wake()
    },
    onHeads(from, heads) {
      if (heads.some(([author, logEpoch, seq]) => author !== self && (vector.end(author, logEpoch)?.seq ?? 0) < seq)) antiEntropy.onBehind(from)
    },
    onLastWords(node, term) {
      if (!seats.votes(seats.config().version)) return
      keeper.end(node, term, true, () => terms.end(node, term))
    },
    endOwnTerm: (term) => terms.end(self, term, true),
    term: lease.term,
    heads: vector.heads,
    newestTasks: index.newest,
    changed: index.changed,
    foldHash: () => (hash ??= fold.hash()),
    ownHeads: () => vector.heads().filter(([author, logEpoch]) => author === self && logEpoch === epoch),
    heldBy: (node) => [...holding].flatMap(([task, held]) => (held.node === node ? [task] : [])),
  }
}

function distinctTerms(held: Iterable<{ node: PeerId; term: Term }>): { node: PeerId; term: Term }[] {
  return [...new Map([...held].map((one) => [`${one.node}/${one.term}`, one])).values()]
}

/** The largest odd number of seats, at most five, that members who sit already or are here can fill. */
export function wantedSeats(current: readonly PeerId[], keepers: readonly PeerId[], linked: (peer: PeerId) => boolean): PeerId[] {
  const sitting = current.filter((seat) => keepers.includes(seat))
  const candidates = keepers.filter((peer) => !sitting.includes(peer) && linked(peer))
  const available = Math.min(SEATS_MAX, sitting.length + candidates.length)
  return [...sitting, ...candidates].slice(0, available % 2 === 0 ? available - 1 : available)
}
