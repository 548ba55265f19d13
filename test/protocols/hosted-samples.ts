// Blocks and calls of hosted repositories, beside those of samples.ts.
import type { Block } from '../../protocols/blocks.ts'
import type { CallRequest } from '../../protocols/calls.ts'
import type { Entry } from '../../protocols/records.ts'
import { alice, CREATED_AT } from './samples.ts'

export const hostedBlocks: Record<string, Block> = {
  'hosted repositories': {
    v: 1,
    author: alice.peerId,
    epoch: 7,
    seq: 7,
    prev: new Uint8Array(32).fill(9),
    hlc: CREATED_AT * 1024 + 7,
    entries: [
      { kind: 'repo-held', repo: 'app', version: 2 },
      { kind: 'repo-held', repo: 'app', version: 2, dropped: true },
    ] as Entry[],
  },
}
export const hostedCalls: CallRequest[] = [{ op: 'repo-take', repo: 'app', commits: ['0123456789'.repeat(4)] }]
