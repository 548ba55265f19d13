// Blocks of messages and schedules, beside those of samples.ts.
import type { Block } from '../../protocols/blocks.ts'
import type { MessageId, TaskId } from '../../protocols/ids.ts'
import { onceId } from '../../protocols/ids.ts'
import { idOfMessage } from '../../protocols/plan/message-records.ts'
import type { Entry } from '../../protocols/records.ts'
import { alice, bob, CREATED_AT, NONCE, TASK } from './samples.ts'

const message = { createdAt: CREATED_AT, nonce: NONCE, to: { worker: bob.peerId }, task: TASK, body: '{"n":1}', json: true }
const news = { createdAt: CREATED_AT, nonce: NONCE, to: { topic: 'news' }, body: 'ünïcode' }
const messageIds = [idOfMessage(alice.peerId, message), idOfMessage(alice.peerId, news)]
const plan = { from: CREATED_AT, overlap: 'skip', missed: 'latest', spec: { kind: 'shell', argv: ['true'], priority: 5, attempts: 1 } }

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
  schedules: {
    v: 1,
    author: alice.peerId,
    epoch: 7,
    seq: 5,
    prev: new Uint8Array(32).fill(6),
    hlc: CREATED_AT * 1024 + 5,
    entries: [
      { kind: 'schedule', name: 'nightly', plan: { ...plan, cron: '30 2 * * *', timezone: 'Europe/Berlin' } },
      { kind: 'schedule', name: 'beat', plan: { ...plan, everyMs: 60_000 } },
      { kind: 'schedule', name: 'once', plan: { ...plan, atMs: CREATED_AT + 1 } },
      { kind: 'schedule', name: 'removed' },
      { kind: 'schedule-pause', name: 'nightly', paused: true },
      { kind: 'schedule-skip', name: 'nightly', at: CREATED_AT },
      {
        kind: 'task',
        id: onceId({ schedule: { id: 'nightly', at: CREATED_AT } }) as TaskId,
        createdAt: CREATED_AT,
        nonce: NONCE,
        spec: { ...plan.spec, notBefore: CREATED_AT, schedule: { id: 'nightly', at: CREATED_AT, author: bob.peerId, authorName: 'bob' } },
      },
    ] as Entry[],
  },
}
