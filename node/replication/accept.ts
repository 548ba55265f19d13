// The one place where a peer's blocks become accept, ignore, wait or reject. No peer message can throw past it.
import type { Block, SealedBlock } from '../../protocols/blocks.ts'
import { blockDigest, blockSigningBytes, decodeBlock, FIRST_PREV } from '../../protocols/blocks.ts'
import type { PeerId } from '../../protocols/ids.ts'
import { FUTURE_MS_MAX } from '../../protocols/limits.ts'
import { hlcToMs } from '../kernel/hlc.ts'
import type { Ledger } from './ledger.ts'
import type { Vector } from './vector.ts'

export type Verdict =
  | { verdict: 'accept' }
  | { verdict: 'ignore'; reason: 'duplicate' | 'own' }
  | { verdict: 'wait'; reason: 'gap' | 'future' | 'unknown-author' }
  | { verdict: 'reject'; reason: 'malformed' | 'signature' | 'fork' | 'beyond-cut' | 'chain'; detail: string }

export type AcceptComponents = {
  self: PeerId
  epoch: number
  vector: Vector
  ledger: Pick<Ledger, 'take'>
  wallMs(): number
  verify(author: PeerId, bytes: Uint8Array, signature: Uint8Array): boolean
  /** Whether the author is or was a member; a block of a stranger waits for the certificate to arrive. */
  mayAuthor(author: PeerId): boolean
  /** The last (epoch, seq) of a removed author that still counts. */
  cutOf(author: PeerId, epoch: number): number | undefined
  onFork(author: PeerId, epoch: number, seq: number): void
}

/** Runs of one log longer than this are vouched for by the hash chain under their last signature. */
const VERIFY_EACH_MAX = 4

export type Accept = {
  /**
   * Judges a frame of blocks in order. `durable` is called for each accepted block once it is on disk.
   * `judged` hears the verdict of each block that could be read, before the next one is judged.
   * @returns the verdict of each block
   */
  blocks(
    sealed: readonly SealedBlock[],
    durable: (block: Block) => void,
    judged?: (verdict: Verdict, block: Block, sealed: SealedBlock) => void,
  ): Verdict[]
}

export function createAccept(components: AcceptComponents): Accept {
  const { vector, ledger, verify } = components
  const frozen = new Set<PeerId>()

  const judge = (block: Block, sealed: SealedBlock, vouched: boolean): Verdict => {
    // Blocks of this node's earlier lives may come back: it pushed them before a crash took them from its own disk.
    if (block.author === components.self && block.epoch === components.epoch) return { verdict: 'ignore', reason: 'own' }
    if (!components.mayAuthor(block.author)) return { verdict: 'wait', reason: 'unknown-author' }
    if (frozen.has(block.author)) return { verdict: 'reject', reason: 'fork', detail: 'the author signed two blocks with one number' }
    const end = vector.end(block.author, block.epoch) ?? { seq: 0, digest: FIRST_PREV }
    if (block.seq <= end.seq) return duplicateOrFork(block, sealed, end)
    if (block.seq > end.seq + 1) return { verdict: 'wait', reason: 'gap' }
    if (hlcToMs(block.hlc) > components.wallMs() + FUTURE_MS_MAX) return { verdict: 'wait', reason: 'future' }
    const cut = components.cutOf(block.author, block.epoch)
    if (cut !== undefined && block.seq > cut) return { verdict: 'reject', reason: 'beyond-cut', detail: `the author was removed at ${cut}` }
    if (Buffer.compare(block.prev, end.digest) !== 0)
      return { verdict: 'reject', reason: 'chain', detail: `block ${block.seq} does not follow` }
    if (!vouched && !verify(block.author, blockSigningBytes(sealed.body), sealed.signature)) {
      return { verdict: 'reject', reason: 'signature', detail: `block ${block.seq} is not signed by its author` }
    }
    return { verdict: 'accept' }
  }

  const duplicateOrFork = (block: Block, sealed: SealedBlock, end: { seq: number; digest: Uint8Array }): Verdict => {
    const same = block.seq < end.seq || Buffer.compare(blockDigest(sealed.body), end.digest) === 0
    if (same || !verify(block.author, blockSigningBytes(sealed.body), sealed.signature)) return { verdict: 'ignore', reason: 'duplicate' }
    frozen.add(block.author)
    components.onFork(block.author, block.epoch, block.seq)
    return { verdict: 'reject', reason: 'fork', detail: `two blocks ${block.seq} in one log` }
  }

  return {
    blocks(sealed, durable, judged = () => {}) {
      const decoded = sealed.map((one) => decodeBlock(one.body))
      const vouched = vouchedRuns(decoded, sealed, verify)
      return decoded.map((block, index): Verdict => {
        const one = sealed[index]
        if (one === undefined || 'invalid' in block)
          return { verdict: 'reject', reason: 'malformed', detail: 'invalid' in block ? block.invalid : '' }
        const verdict = judge(block, one, vouched.has(index))
        if (verdict.verdict === 'accept') ledger.take(block, one, () => durable(block))
        judged(verdict, block, one)
        return verdict
      })
    },
  }
}

/**
 * In a long run of consecutive blocks of one log, the last signature vouches for all before it through the hash chain:
 * one verification instead of hundreds. @returns the indexes that need no signature check of their own
 */
function vouchedRuns(
  decoded: readonly (Block | { invalid: string })[],
  sealed: readonly SealedBlock[],
  verify: AcceptComponents['verify'],
): Set<number> {
  const vouched = new Set<number>()
  for (let start = 0; start < decoded.length; ) {
    let end = start
    while (follows(decoded[end], decoded[end + 1], sealed[end])) end += 1
    const last = decoded[end]
    const lastSealed = sealed[end]
    if (end - start >= VERIFY_EACH_MAX && last !== undefined && lastSealed !== undefined && !('invalid' in last)) {
      if (verify(last.author, blockSigningBytes(lastSealed.body), lastSealed.signature)) for (let i = start; i <= end; i++) vouched.add(i)
    }
    start = end + 1
  }
  return vouched
}

function follows(
  block: Block | { invalid: string } | undefined,
  next: Block | { invalid: string } | undefined,
  sealed: SealedBlock | undefined,
): boolean {
  if (block === undefined || next === undefined || sealed === undefined || 'invalid' in block || 'invalid' in next) return false
  return (
    next.author === block.author &&
    next.epoch === block.epoch &&
    next.seq === block.seq + 1 &&
    Buffer.compare(next.prev, blockDigest(sealed.body)) === 0
  )
}
