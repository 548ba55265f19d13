// Blocks of messages and schedules, beside those of samples.ts.
import type { Block } from '../../protocols/blocks.ts'
import type { MessageId } from '../../protocols/ids.ts'
import { idOfMessage } from '../../protocols/message-records.ts'
import type { Entry } from '../../protocols/records.ts'
import { alice, bob, CREATED_AT, NONCE, TASK } from './samples.ts'

const message = { createdAt: CREATED_AT, nonce: NONCE, to: { worker: bob.peerId }, task: TASK, body: '{"n":1}', json: true }
const news = { createdAt: CREATED_AT, nonce: NONCE, to: { topic: 'news' }, body: 'ünïcode' }
const messageIds = [idOfMessage(alice.peerId, message), idOfMessage(alice.peerId, news)]
export const planBlocks: Record<string, Block> = {
  messages: {
    v: 1,
    author: alice.peerId,
    epoch: 7,
    seq: 4,
    prev: new Uint8Array(32).fill(7),
    hlc: CREATED_AT * 1024 + 4,
    entries: [
      { kind: 'message', id: messageIds[0] as MessageId, ...message },
      { kind: 'message', id: messageIds[1] as MessageId, ...news },
      { kind: 'read', ids: messageIds, topic: 'news', task: TASK },
    ] as Entry[],
  },
}
