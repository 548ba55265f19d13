// Signed logs for the tests of replication: a member that writes blocks, and a node that takes them.
import type { Block, SealedBlock } from '../../../protocols/blocks.ts'
import { BLOCK_DOMAIN, blockDigest, encodeBlock, FIRST_PREV } from '../../../protocols/blocks.ts'
import type { Entry } from '../../../protocols/records.ts'
import { createHlc } from '../../../node/kernel/hlc.ts'
import type { Accept } from '../../../node/replication/accept.ts'
import { createAccept } from '../../../node/replication/accept.ts'
import { createLedger } from '../../../node/replication/ledger.ts'
import { createVector } from '../../../node/replication/vector.ts'
import type { Identity } from '../../../node/trust/identity.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'
import { bob } from '../../protocols/samples.ts'

export const START_MS = 1_700_000_000_000
export const profile = (name: string): Entry => ({
  kind: 'profile',
  name,
  roles: [],
  skills: [],
  labels: {},
  slots: 1,
  accept: [],
  version: '1',
})

export function seal(author: Identity, block: Omit<Block, 'v' | 'author'>): SealedBlock {
  const body = encodeBlock({ v: 1, author: author.peerId, ...block })
  return { body, signature: author.sign(BLOCK_DOMAIN, body) }
}

/** `count` consecutive blocks of one log. */
export function writeLog(author: Identity, count: number, epoch = 1): SealedBlock[] {
  const log: SealedBlock[] = []
  let prev: Uint8Array = FIRST_PREV
  for (let seq = 1; seq <= count; seq++) {
    const sealed = seal(author, { epoch, seq, prev, hlc: START_MS * 1024 + seq, entries: [profile(`p${seq}`)] })
    prev = blockDigest(sealed.body)
    log.push(sealed)
  }
  return log
}

/** A node that takes blocks; `over` changes what it knows of members. */
export function createTaker(over: Partial<Parameters<typeof createAccept>[0]> = {}) {
  const clock = createVirtualClock(START_MS)
  const vector = createVector()
  const folded: Block[] = []
  const forks: string[] = []
  let verified = 0
  const onDisk: (() => void)[] = []
  const ledger = createLedger({
    self: bob.peerId,
    epoch: 9,
    hlc: createHlc(clock),
    vector,
    blocks: { write: (author, epoch, seq, block) => ({ put: `${author}/${epoch}/${seq}`, value: block.body }) },
    sign: (bytes) => bob.sign('', bytes),
    persist: (_, done) => void onDisk.push(done),
    push: () => {},
    fold: (block) => void folded.push(block),
    onOwnDurable: () => {},
  })
  const accept: Accept = createAccept({
    self: bob.peerId,
    epoch: 9,
    vector,
    ledger,
    wallMs: clock.wallMs,
    verify(author, bytes, signature) {
      verified += 1
      return bob.verifyPeer(author, '', bytes, signature)
    },
    mayAuthor: () => true,
    cutOf: () => undefined,
    onFork: (_, epoch, seq) => void forks.push(`${epoch}/${seq}`),
    ...over,
  })
  const durable: number[] = []
  return {
    clock,
    vector,
    ledger,
    folded,
    forks,
    durable,
    verified: () => verified,
    sync() {
      for (const done of onDisk.splice(0)) done()
    },
    take: (blocks: readonly SealedBlock[]): string[] =>
      accept
        .blocks(blocks, (block) => durable.push(block.seq))
        .map((verdict) => ('reason' in verdict ? `${verdict.verdict} ${verdict.reason}` : verdict.verdict)),
  }
}
