// The ledger: the one writer of replicated state. It seals this node's entries into signed blocks, takes in the blocks
// that `accept` let through, hands every block to the fold once and in log order, and says when its own are durable.
// It must never touch a socket, a file or the wall clock by itself.
import type { Block, SealedBlock } from '../../protocols/blocks.ts'
import { blockDigest, blockSigningBytes, decodeOwnBlock, encodeBlock, FIRST_PREV } from '../../protocols/blocks.ts'
import type { PeerId } from '../../protocols/ids.ts'
import { BLOCK_BYTES_MAX, BLOCK_ENTRIES_MAX } from '../../protocols/limits.ts'
import type { Entry } from '../../protocols/records.ts'
import type { Hlc } from '../kernel/hlc.ts'
import type { Write } from '../store/database.ts'
import type { BlockStore } from './block-store.ts'
import type { Vector } from './vector.ts'

export type LedgerComponents = {
  self: PeerId
  epoch: number
  hlc: Hlc
  vector: Vector
  blocks: Pick<BlockStore, 'write'>
  sign(bytes: Uint8Array): Uint8Array
  persist(writes: readonly Write[], done: () => void): void
  /** Sends a fresh own block to every linked peer, before it is durable here: a torn epoch is never continued. */
  push(block: SealedBlock, seq: number): void
  fold(block: Block): void
  /** Own block `seq` is on this disk. */
  onOwnDurable(seq: number): void
}

export type Ledger = {
  /** Queues an entry; it leaves in the next block, at once when nothing is being written. @returns the block's seq */
  append(entry: Entry): number
  /** Takes a block that was verified and is the next of its log; `done` once it is durable. */
  take(block: Block, sealed: SealedBlock, done: () => void): void
  /** The last seq that was sealed. */
  ownSeq(): number
  /** Restores a stored block at start: fold and vector only. */
  restore(sealed: SealedBlock): void
}

const ENTRY_OVERHEAD_BYTES = 512

export function createLedger(components: LedgerComponents): Ledger {
  const { self, epoch, hlc, vector, blocks, sign, persist, push, fold, onOwnDurable } = components
  let gathering: Entry[] = []
  let gatheredBytes = 0
  let sealing = false
  let seq = 0
  let prev: Uint8Array = FIRST_PREV

  /** Where this node's log before this one ended, as far as its own disk knows. */
  const before = (): Pick<Block, 'before'> => {
    const last = vector.newestEpoch(self)
    return last === undefined ? {} : { before: { epoch: last, seq: vector.end(self, last)?.seq ?? 0 } }
  }

  const seal = (): void => {
    if (gathering.length === 0) return
    const entries = gathering
    gathering = []
    gatheredBytes = 0
    seq += 1
    const block: Block = { v: 1, author: self, epoch, seq, prev, hlc: hlc.next(), entries, ...(seq === 1 ? before() : {}) }
    const body = encodeBlock(block)
    const sealed = { body, signature: sign(blockSigningBytes(body)) }
    prev = blockDigest(body)
    vector.advance(self, epoch, { seq, digest: prev })
    push(sealed, seq)
    const sealedSeq = seq
    sealing = true
    persist([blocks.write(self, epoch, seq, sealed)], () => {
      sealing = false
      onOwnDurable(sealedSeq)
      seal()
    })
    fold(block)
  }

  return {
    append(entry) {
      const size = approximateBytes(entry)
      if (gathering.length >= BLOCK_ENTRIES_MAX || gatheredBytes + size > BLOCK_BYTES_MAX / 2) seal()
      gathering.push(entry)
      gatheredBytes += size
      const at = seq + 1
      if (!sealing && gathering.length === 1) queueMicrotask(() => (sealing ? undefined : seal()))
      return at
    },
    take(block, sealed, done) {
      hlc.witness(block.hlc)
      vector.advance(block.author, block.epoch, { seq: block.seq, digest: blockDigest(sealed.body) })
      persist([blocks.write(block.author, block.epoch, block.seq, sealed)], done)
      fold(block)
    },
    ownSeq: () => seq,
    restore(sealed) {
      const block = decodeOwnBlock(sealed.body)
      hlc.witness(block.hlc)
      vector.advance(block.author, block.epoch, { seq: block.seq, digest: blockDigest(sealed.body) })
      fold(block)
    },
  }
}

/** An upper estimate that is cheap. */
function approximateBytes(entry: Entry): number {
  if (entry.kind === 'task') return ENTRY_OVERHEAD_BYTES + JSON.stringify(entry.spec).length * 2
  if (entry.kind === 'tasks') return ENTRY_OVERHEAD_BYTES + JSON.stringify([entry.specs, entry.items, entry.preferred]).length * 2
  if (entry.kind === 'registers') return ENTRY_OVERHEAD_BYTES * 2 + entry.tasks.length * 32
  if (entry.kind === 'message') return ENTRY_OVERHEAD_BYTES + Buffer.byteLength(entry.body)
  if (entry.kind === 'schedule') return ENTRY_OVERHEAD_BYTES + JSON.stringify(entry.plan ?? {}).length * 2
  if (entry.kind === 'read') return ENTRY_OVERHEAD_BYTES + entry.ids.length * 32
  return ENTRY_OVERHEAD_BYTES * 2
}
