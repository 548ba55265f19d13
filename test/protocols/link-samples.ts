// One value of every kind of message of a link.
import type { LinkMessage } from '../../protocols/streams.ts'
import { alice, BALLOT, bob, held, LONG_TERM, presence, TASK, TERM } from './samples.ts'

const config = { version: 2, seats: [alice.peerId, bob.peerId] }
const accepted = { ballot: BALLOT, value: held }
export const linkMessages: LinkMessage[] = [
  { t: 'blocks', blocks: [[Uint8Array.of(1, 2, 3), new Uint8Array(64).fill(4)]] },
  { t: 'ack', epoch: 7, seq: 12 },
  { t: 'digest', hash: 'abc', answer: true },
  { t: 'vector', heads: [[alice.peerId, 7, 12]], answer: true },
  { t: 'neighbour', on: true },
  { t: 'have', heads: [[alice.peerId, 7, 12]] },
  { t: 'prune', authors: [bob.peerId] },
  { t: 'graft', heads: [[alice.peerId, 7, 12]] },
  { t: 'statuses', list: [[Uint8Array.of(1, 2), new Uint8Array(64).fill(4)]] },
  { t: 'prepare', id: 1, version: 2, items: [{ task: TASK, ballot: BALLOT }] },
  { t: 'accept', id: 2, version: 2, items: [{ task: TASK, ...accepted }] },
  {
    t: 'answers',
    id: 2,
    items: [
      { task: TASK, ok: false, promised: BALLOT, accepted },
      { task: TASK, ok: false, unknown: true },
    ],
  },
  { t: 'stale', id: 2, config },
  { t: 'renew', id: 3, version: 2, term: TERM, also: [LONG_TERM] },
  { t: 'renewed', id: 3, term: TERM, ok: true, ended: [LONG_TERM] },
  { t: 'fence', id: 4, version: 2, node: bob.peerId, term: TERM, own: true },
  { t: 'fenced', id: 4, ok: false, remainingMs: 800 },
  { t: 'seat-prepare', id: 5, version: 2, ballot: BALLOT },
  { t: 'seat-promise', id: 5, ok: true, accepted: { ballot: BALLOT, config } },
  { t: 'seat-accept', id: 6, version: 2, ballot: BALLOT, config },
  { t: 'seat-accepted', id: 6, ok: false, promised: BALLOT },
  { t: 'seat-read', id: 7, version: 2, after: '' },
  { t: 'seat-state', id: 7, ok: true, registers: [{ task: TASK, promised: BALLOT, accepted }], terms: [[bob.peerId, TERM]], next: TASK },
  { t: 'progress', task: TASK, epoch: 1, phase: 'clone', message: 'receiving objects', percent: 40 },
  { t: 'session-output', session: TASK, task: TASK, epoch: 1, at: 120, line: '{"type":"note","text":"hello","time":1}' },
  presence,
  { t: 'probe', id: 8 },
  { t: 'probed', id: 8 },
  { t: 'ask-probe', id: 9, peer: bob.peerId },
  { t: 'asked', id: 9, peer: bob.peerId, alive: true },
]
