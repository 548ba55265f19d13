// Blocks on disk: one key each, exactly the signed bytes.
import { decode, encode } from '@ipld/dag-cbor'
import type { SealedBlock } from '../../protocols/blocks.ts'
import type { PeerId } from '../../protocols/ids.ts'
import { unframeValue } from '../store/checked-value.ts'
import type { Database, Write } from '../store/database.ts'
import { BLOCKS, endOf, sortable } from '../store/namespaces.ts'

export type BlockStore = {
  write(author: PeerId, epoch: number, seq: number, block: SealedBlock): Write
  /** Blocks of one log from `fromSeq` on, in order; ends at the first one that is missing or damaged. */
  read(author: PeerId, epoch: number, fromSeq: number): AsyncIterable<SealedBlock>
  /** Every stored block, log by log. `damaged` logs end where their first bad value stands. */
  all(onDamaged: (key: string) => void): AsyncIterable<SealedBlock>
}

export function createBlockStore(database: Pick<Database, 'range'>): BlockStore {
  const logKey = (author: PeerId, epoch: number): string => `${BLOCKS}${author}/${sortable(epoch)}/`
  const open = (framed: Uint8Array): SealedBlock | undefined => {
    const payload = unframeValue(framed)
    if (payload === undefined) return undefined
    const [body, signature] = decode<[Uint8Array, Uint8Array]>(payload)
    return { body, signature }
  }
  return {
    write: (author, epoch, seq, block) => ({ put: logKey(author, epoch) + sortable(seq), value: encode([block.body, block.signature]) }),
    async *read(author, epoch, fromSeq) {
      const log = logKey(author, epoch)
      for await (const [, framed] of database.range(log + sortable(fromSeq), endOf(log))) {
        const block = open(framed)
        if (block === undefined) return
        yield block
      }
    },
    async *all(onDamaged) {
      let skipLog: string | undefined
      for await (const [key, framed] of database.range(BLOCKS, endOf(BLOCKS))) {
        const log = key.slice(0, key.lastIndexOf('/'))
        if (log === skipLog) continue
        const block = open(framed)
        if (block !== undefined) yield block
        else {
          // What follows a hole cannot be chained; peers send it again.
          skipLog = log
          onDamaged(key)
        }
      }
    },
  }
}
