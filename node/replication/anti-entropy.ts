// Anti-entropy: what a push did not bring, a pull brings. On every link and every ten seconds with a random neighbour
// two nodes compare the digest of their version vectors; who differs sends its vector and is streamed what it lacks,
// from one neighbour at a time. Decides what to ask and answer; reading and sending are ports.
import type { SealedBlock } from '../../protocols/blocks.ts'
import type { PeerId } from '../../protocols/ids.ts'
import { BLOCK_BYTES_MAX, BLOCK_ENTRIES_MAX } from '../../protocols/limits.ts'
import type { Head, LinkMessage, LinkMessageOf } from '../../protocols/streams.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'
import { repeat } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import { pick } from '../kernel/random.ts'
import type { BlockStore } from './block-store.ts'
import type { Vector } from './vector.ts'
import { missingFrom } from './vector.ts'

const ROUND_MS = 10_000
/** A pull without progress for this long goes on with another neighbour. */
const STALL_MS = 3_000
/** A full queue at the link is tried again after this. */
const RETRY_SEND_MS = 5
/** Gaps in a burst ask once. */
const GAP_DELAY_MS = 20

export type AntiEntropyComponents = {
  clock: Clock
  random: Random
  vector: Vector
  blocks: Pick<BlockStore, 'read'>
  linked(): PeerId[]
  /** False where the link's queue is full or gone. */
  send(peer: PeerId, message: LinkMessage): boolean
  isLinked(peer: PeerId): boolean
  onError(error: unknown): void
}

export type AntiEntropy = {
  start(): void
  stop(): void
  onLink(peer: PeerId): void
  onDigest(peer: PeerId, message: LinkMessageOf<'digest'>): void
  onVector(peer: PeerId, message: LinkMessageOf<'vector'>): void
  /** A block came whose predecessor is missing, or gossip told of a head that is not here. */
  onBehind(peer: PeerId): void
  /** Blocks arrived from `peer`: the pull makes progress. */
  onProgress(peer: PeerId): void
  /** Streams these logs to a peer, each from the given block on. */
  serve(peer: PeerId, from: readonly Head[]): void
}

export function createAntiEntropy(components: AntiEntropyComponents): AntiEntropy {
  const { clock, random, vector, send } = components
  const wanted = new Set<PeerId>()
  const serving = new Set<PeerId>()
  let pulling: PeerId | undefined
  let stopRounds: Cancel = () => {}
  let stall: Cancel = () => {}
  let gapTimer: Cancel | undefined

  const pullNext = (): void => {
    stall()
    pulling = undefined
    for (const peer of wanted) {
      wanted.delete(peer)
      if (!components.isLinked(peer)) continue
      if (!send(peer, { t: 'vector', heads: [...vector.heads()], answer: true })) continue
      pulling = peer
      watch()
      return
    }
  }
  const watch = (): void => {
    stall()
    stall = clock.after(STALL_MS, pullNext)
  }
  const want = (peer: PeerId): void => {
    wanted.add(peer)
    if (pulling === undefined) pullNext()
  }

  /** @returns false where the link ended */
  const stream = async (peer: PeerId, from: readonly Head[]): Promise<boolean> => {
    serving.add(peer)
    try {
      for (const [author, epoch, fromSeq] of from) {
        for await (const batch of batches(components.blocks.read(author, epoch, fromSeq))) {
          while (!send(peer, { t: 'blocks', blocks: batch })) {
            if (!components.isLinked(peer)) return false
            await new Promise<void>((resolve) => clock.after(RETRY_SEND_MS, resolve))
          }
        }
      }
      return true
    } finally {
      serving.delete(peer)
    }
  }
  const answer = async (peer: PeerId, theirs: readonly Head[]): Promise<void> => {
    if (await stream(peer, missingFrom(vector.heads(), theirs))) send(peer, { t: 'digest', hash: vector.digest(), answer: false })
  }

  return {
    start() {
      const round = (): void => {
        const peer = pick(random, components.linked())
        if (peer !== undefined) send(peer, { t: 'digest', hash: vector.digest(), answer: true })
      }
      stopRounds = repeat(clock, () => ROUND_MS * (0.75 + random.next() / 2), round, components.onError)
    },
    stop() {
      stopRounds()
      stall()
      gapTimer?.()
    },
    onLink: (peer) => void send(peer, { t: 'digest', hash: vector.digest(), answer: true }),
    onDigest(peer, message) {
      const same = message.hash === vector.digest()
      if (!same && message.answer) send(peer, { t: 'digest', hash: vector.digest(), answer: false })
      // The end of a pull: what was written meanwhile came by push, or the next round finds it.
      if (peer === pulling && !message.answer) return pullNext()
      if (!same) want(peer)
    },
    onVector(peer, message) {
      if (!serving.has(peer)) answer(peer, message.heads).catch(components.onError)
    },
    onBehind(peer) {
      gapTimer ??= clock.after(GAP_DELAY_MS, () => {
        gapTimer = undefined
        want(peer)
      })
    },
    onProgress(peer) {
      if (peer === pulling) watch()
    },
    serve(peer, from) {
      if (!serving.has(peer)) stream(peer, from).catch(components.onError)
    },
  }
}

/** Groups blocks into frames of at most one block's worth of bytes. */
async function* batches(blocks: AsyncIterable<SealedBlock>): AsyncIterable<[Uint8Array, Uint8Array][]> {
  let batch: [Uint8Array, Uint8Array][] = []
  let bytes = 0
  for await (const block of blocks) {
    if (batch.length > 0 && (bytes + block.body.length > BLOCK_BYTES_MAX || batch.length >= BLOCK_ENTRIES_MAX)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push([block.body, block.signature])
    bytes += block.body.length + 80
  }
  if (batch.length > 0) yield batch
}
