// Replication at one node, wired: own log, the blocks of others, what is missing, what is durable. It hands every block to
// the fold once and in log order, and never looks into an entry.
import type { Block, SealedBlock } from '../../protocols/blocks.ts'
import type { PeerId } from '../../protocols/ids.ts'
import type { Entry } from '../../protocols/records.ts'
import type { Head, LinkMessage, LinkMessageOf } from '../../protocols/streams.ts'
import { gather } from '../kernel/batching.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Hlc } from '../kernel/hlc.ts'
import { hlcToMs } from '../kernel/hlc.ts'
import type { Random } from '../kernel/random.ts'
import type { Write } from '../store/database.ts'
import type { Verdict } from './accept.ts'
import type { Accept } from './accept.ts'
import { createAccept } from './accept.ts'
import type { AntiEntropy } from './anti-entropy.ts'
import { createAntiEntropy } from './anti-entropy.ts'
import type { BlockStore } from './block-store.ts'
import type { Durability } from './durability.ts'
import { createDurability } from './durability.ts'
import { createLedger } from './ledger.ts'
import type { Spread } from './spread.ts'
import { createSpread } from './spread.ts'
import type { Vector } from './vector.ts'
import { createVector } from './vector.ts'

/** Blocks up to this old are passed on by whoever receives them. */
const PASSED_ON_MS = 10_000

export type ReplicaComponents = {
  self: PeerId
  epoch: number
  clock: Clock
  random: Random
  hlc: Hlc
  blocks: BlockStore
  sign(bytes: Uint8Array): Uint8Array
  verify(author: PeerId, bytes: Uint8Array, signature: Uint8Array): boolean
  persist(writes: readonly Write[], done: () => void): void
  net: {
    send(peer: PeerId, message: LinkMessage): boolean
    linked(): PeerId[]
    /** Along whom blocks are passed on; undefined where every two members are linked. */
    neighbours?(): readonly PeerId[] | undefined
    /** Neighbours of a moment ago. */
    leaving?(): readonly PeerId[]
  }
  wasMember(peer: PeerId): boolean
  cutOf(peer: PeerId, epoch: number): number | undefined
  /** The seats whose majority makes a publication acknowledged. */
  seats(): readonly PeerId[]
  fold(block: Block): void
  onFork(author: PeerId): void
  onReject(peer: PeerId, verdict: Extract<Verdict, { verdict: 'reject' }>): void
  onError(error: unknown): void
}

export type Replica = {
  /** Reads the stored blocks into the fold; before `start`. */
  restore(blocks: AsyncIterable<SealedBlock>): Promise<void>
  start(): void
  stop(): void
  append(entry: Entry): number
  durable(seq: number, timeoutMs: number): Promise<'majority' | 'local'>
  /** The seats changed: what waits for a majority may have one now. */
  seatsChanged(): void
  /** False where the message is not about replication. */
  onMessage(from: PeerId, message: LinkMessage): boolean
  onPeerUp(peer: PeerId): void
  /** How news travels where not every two members are linked. */
  spread: Pick<Spread, 'look' | 'route' | 'onDuplicate'>
  onHeads(from: PeerId, heads: readonly Head[]): void
  /** The same array until something changes. */
  heads(): readonly Head[]
  /** Whether every one of these logs is known as far, or as far as its author's removal lets it count. */
  covers(heads: readonly Head[]): boolean
  /** `peer` said that it has this node's own log up to `seq`. */
  isKnownTo(peer: PeerId, seq: number): boolean
  /** The newest log of this node itself. */
  ownHeads(): readonly Head[]
}

export function createReplica(components: ReplicaComponents): Replica {
  const { self, epoch, clock, net } = components
  const vector = createVector()
  const durability = createDurability({ self, clock, seats: components.seats })
  const ledger = createLedger({
    ...components,
    vector,
    push: (sealed, seq) => spread.push(self, epoch, seq, sealed),
    onOwnDurable: (seq) => durability.acknowledged(self, seq),
  })
  const accept = createAccept({ ...components, vector, ledger, wallMs: clock.wallMs, mayAuthor: components.wasMember })
  const antiEntropy = createAntiEntropy({ ...components, ...net, vector, isLinked: (peer) => net.linked().includes(peer) })
  const spread = createSpread({
    ...components,
    vector,
    linked: net.linked,
    neighbours: () => net.neighbours?.(),
    leaving: () => net.leaving?.() ?? [],
    send: net.send,
    serve: antiEntropy.serve,
  })
  const onMessage = createReceiver(components, { accept, antiEntropy, spread, durability })

  return {
    async restore(stored) {
      for await (const sealed of stored) ledger.restore(sealed)
    },
    start: antiEntropy.start,
    stop: () => (antiEntropy.stop(), spread.stop()),
    append: ledger.append,
    durable: durability.wait,
    seatsChanged: durability.recheck,
    onMessage,
    spread,
    onPeerUp: antiEntropy.onLink,
    onHeads(from, heads) {
      if (heads.some((head) => head[0] !== self && !isKnown(vector, head, () => undefined))) antiEntropy.onBehind(from)
    },
    heads: vector.heads,
    covers: (heads) => heads.every((head) => isKnown(vector, head, components.cutOf)),
    isKnownTo: durability.has,
    ownHeads: () => vector.heads().filter(([author, logEpoch]) => author === self && logEpoch === epoch),
  }
}

function isKnown(vector: Vector, [author, epoch, seq]: Head, cutOf: ReplicaComponents['cutOf']): boolean {
  return (vector.end(author, epoch)?.seq ?? 0) >= Math.min(seq, cutOf(author, epoch) ?? seq)
}

type ReceiverParts = { accept: Accept; antiEntropy: AntiEntropy; spread: Spread; durability: Durability }

/** Hands each message of a peer to its machine; answers false where it is about something else. */
function createReceiver(components: ReplicaComponents, parts: ReceiverParts): Replica['onMessage'] {
  const { antiEntropy, spread, durability } = parts
  const onBlocks = createTaker(components, parts)
  return (from, message) => {
    if (message.t === 'blocks') onBlocks(from, message)
    else if (message.t === 'ack') {
      if (message.epoch === components.epoch) durability.acknowledged(from, message.seq)
    } else if (message.t === 'digest') antiEntropy.onDigest(from, message)
    else if (message.t === 'vector') antiEntropy.onVector(from, message)
    else return spread.onMessage(from, message)
    return true
  }
}

/** What happens with the blocks of a peer. */
function createTaker({ clock, net, onReject }: ReplicaComponents, { accept, antiEntropy, spread }: ReceiverParts) {
  /** Blocks reach the disk in the order of their log: of those that came together the last one speaks for all. */
  const acknowledge = gather<Block>((blocks) => {
    const last = new Map(blocks.map((block) => [`${block.author}/${block.epoch}`, block]))
    for (const { author, epoch, seq } of last.values()) net.send(author, { t: 'ack', epoch, seq })
  })
  return (from: PeerId, message: LinkMessageOf<'blocks'>): void => {
    antiEntropy.onProgress(from)
    const taken: { block: Block; sealed: SealedBlock }[] = []
    const verdicts = accept.blocks(
      message.blocks.map(([body, signature]) => ({ body, signature })),
      (block) => {
        if (block.author === from) acknowledge(block)
      },
      (verdict, block, sealed) => {
        if (verdict.verdict === 'accept') taken.push({ block, sealed })
        else if (verdict.verdict === 'ignore') spread.onDuplicate(from, block.author)
        else if (verdict.verdict === 'wait' && !(verdict.reason === 'gap' && spread.onGap(from, block))) antiEntropy.onBehind(from)
      },
    )
    // What is old was fetched: others have it, or fetch it too.
    const newMs = clock.wallMs() - PASSED_ON_MS
    spread.tell(taken.flatMap(({ block }) => (hlcToMs(block.hlc) < newMs ? [block] : [])))
    spread.pass(
      from,
      taken.filter(({ block }) => hlcToMs(block.hlc) >= newMs),
    )
    for (const verdict of verdicts) if (verdict.verdict === 'reject') onReject(from, verdict)
  }
}
