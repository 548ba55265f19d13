// Blocks of sessions, beside those of samples.ts.
import type { Block } from '../../protocols/blocks.ts'
import { taskId } from '../../protocols/ids.ts'
import type { Entry } from '../../protocols/records.ts'
import { alice, CREATED_AT, NONCE, TASK } from './samples.ts'

const tokens = { input: 4_900, output: 170, cacheRead: 0, cacheWrite: 12 }
const agent = { prompt: 'fix it', driver: 'claude', budgetUsd: 2.5, ask: ['Bash'], sandbox: 'process', idleMs: 60_000, onLoss: 'move' }

export const sessionBlocks: Record<string, Block> = {
  sessions: {
    v: 1,
    author: alice.peerId,
    epoch: 7,
    seq: 6,
    prev: new Uint8Array(32).fill(5),
    hlc: CREATED_AT * 1024 + 6,
    entries: [
      {
        kind: 'task',
        id: taskId(alice.peerId, CREATED_AT, NONCE),
        createdAt: CREATED_AT,
        nonce: NONCE,
        spec: { kind: 'agent', argv: [], priority: 5, attempts: 1, repo: 'https://example.org/r.git', agent },
      },
      {
        kind: 'session',
        session: TASK,
        task: TASK,
        run: 0,
        epoch: 1,
        rev: 3,
        at: CREATED_AT,
        state: 'waiting',
        agentSession: '9d179f78-5507-4371-a50f-84267a1d77e3',
        model: 'm',
        branch: `nimbus/${TASK}`,
        base: 'a'.repeat(40),
        turns: 1,
        tokens,
        costUsd: 0.25,
        files: ['add.mjs'],
        asks: [{ request: 'r1', tool: 'Bash', input: '{}', askedAt: CREATED_AT, reminders: 1 }],
        decided: [{ request: 'r0', allow: false, by: 'bob', at: CREATED_AT, note: 'no' }],
        taken: [TASK],
        account: '0123456789abcdef',
        limitedUntil: CREATED_AT + 1,
        save: {
          hash: 'b'.repeat(64),
          size: 4_096,
          at: CREATED_AT,
          after: 'toolu_1',
          sealed: [{ to: alice.peerId, enc: new Uint8Array(32).fill(1), key: new Uint8Array(48).fill(2) }],
          kept: [alice.peerId],
        },
      },
      { kind: 'session-order', id: TASK, session: TASK, createdAt: CREATED_AT, op: 'move', to: alice.peerId, now: true, by: 'alice' },
      { kind: 'session-order', id: TASK, session: TASK, createdAt: CREATED_AT, op: 'send', text: '/compact', by: 'alice' },
      {
        kind: 'session-order',
        id: TASK,
        session: TASK,
        createdAt: CREATED_AT,
        op: 'answer',
        request: 'r1',
        allow: true,
        by: 'alice',
      },
    ] as Entry[],
  },
  costs: {
    v: 1,
    author: alice.peerId,
    epoch: 7,
    seq: 7,
    prev: new Uint8Array(32).fill(5),
    hlc: CREATED_AT * 1024 + 7,
    entries: [
      {
        kind: 'cost',
        session: TASK,
        task: TASK,
        day: '2030-01-31',
        model: 'm',
        repo: 'https://example.org/r.git',
        tokens,
        nanoUsd: 250_000_000,
      },
      { kind: 'budget', name: 'team', budget: { nanoUsd: 20_000_000_000, per: 'day', worker: alice.peerId, label: ['team', 'web'] } },
      { kind: 'budget', name: 'gone' },
    ] as Entry[],
  },
}
