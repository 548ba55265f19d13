// One value of every shape that is signed, stored, gossiped or streamed. The vectors are made from these, so a change here
// is a change of the protocol.
import { Buffer } from 'node:buffer'
import type { Block } from '../../protocols/blocks.ts'
import { FIRST_PREV } from '../../protocols/blocks.ts'
import type { CallAnswer, CallRequest } from '../../protocols/calls.ts'
import type { GossipMessage } from '../../protocols/gossip.ts'
import type { BlobHash, NameKey, TaskId, Term } from '../../protocols/ids.ts'
import { blobHash, lifeOf, taskId } from '../../protocols/ids.ts'
import type { Entry, Outcome, RegisterValue } from '../../protocols/records.ts'
import { batchTaskIds, runsOf } from '../../protocols/tasks/task-runs.ts'
import type { Presence } from '../../protocols/presence.ts'
import type { Ballot } from '../../protocols/streams.ts'
import type { Certificate, Genesis, Invite, LastWords, Removal } from '../../protocols/trust.ts'
import { identityFromSeed } from '../../node/trust/identity.ts'

export const alice = identityFromSeed(new Uint8Array(32).fill(1))
export const bob = identityFromSeed(new Uint8Array(32).fill(2))

export const NONCE = Uint8Array.from({ length: 16 }, (_, i) => i)
export const CREATED_AT = 1_764_000_000_000
export const TASK: TaskId = taskId(alice.peerId, CREATED_AT, NONCE)
export const TERM = '1806336000000.1' as Term
/** Of the same life, kept by the seats for a minute. */
export const LONG_TERM = '1806336000000.2~60000' as Term
const LOG: BlobHash = blobHash(Buffer.from('hi\n'))
export const BALLOT: Ballot = [3, bob.peerId]
const MESH = '0'.repeat(52)

const outcome: Outcome = { result: 'failed', exitCode: 3, endedAt: CREATED_AT + 900, log: { hash: LOG, size: 3 }, tail: 'hi\n' }
export const registerValues: Record<string, RegisterValue> = {
  initial: { version: 0, epoch: 0, state: 'free', attempt: 1 },
  held: { version: 1, epoch: 1, state: 'held', holder: bob.peerId, term: TERM, startedAt: CREATED_AT + 5, attempt: 1 },
  'free again': { version: 2, epoch: 1, state: 'free', attempt: 2, notBefore: CREATED_AT + 2_000, outcome },
  'taken over': {
    version: 3,
    epoch: 2,
    state: 'held',
    holder: alice.peerId,
    term: TERM,
    startedAt: CREATED_AT + 3_000,
    attempt: 2,
    outcome: { result: 'lost', endedAt: CREATED_AT + 2_900 },
  },
  settled: { version: 4, epoch: 2, state: 'settled', end: 'dead', attempt: 2, outcome },
  'of one record': { version: 1, epoch: 0, state: 'settled', end: 'cancelled', attempt: 1, record: alice.peerId },
  name: {
    version: 7,
    epoch: 3,
    state: 'free',
    attempt: 1,
    name: {
      holders: [{ node: bob.peerId, term: TERM, places: [[TASK, 2, CREATED_AT + 5]] }],
      sum: -2,
      windowMs: 1_000,
      starts: [[CREATED_AT, 2]],
      last: [[bob.peerId, 7, 3]],
    },
  },
}
registerValues['hosted repository'] = {
  version: 2,
  epoch: 0,
  state: 'free',
  attempt: 1,
  name: {
    refs: [
      ['refs/heads/main', '0123456789'.repeat(4), bob.peerId, CREATED_AT],
      ['refs/tags/v1', 'abcdef0123'.repeat(4), alice.peerId, CREATED_AT + 1],
    ],
    head: 'refs/heads/main',
    last: [[bob.peerId, 7, 4]],
  },
}
export const held = registerValues['held'] as RegisterValue

const entries: Record<string, Entry> = {
  task: {
    kind: 'task',
    id: TASK,
    createdAt: CREATED_AT,
    nonce: NONCE,
    preferred: [bob.peerId, 7],
    spec: {
      kind: 'shell',
      name: 'tests',
      argv: ['npm', 'test', 'ünïcode'],
      repo: 'http://127.0.0.1:8080/repo.git',
      ref: 'main',
      worker: 'bob',
      skills: ['node'],
      roles: ['builder'],
      pool: 'fast',
      labels: { os: 'linux' },
      priority: 5,
      timeoutMs: 60_000,
      attempts: 2,
      notBefore: CREATED_AT + 1_000,
      env: { CI: '1' },
    },
  },
  cancel: { kind: 'cancel', task: TASK, reason: 'not needed' },
  register: { kind: 'register', task: TASK, value: held },
  term: { kind: 'term', node: bob.peerId, term: TERM },
  group: { kind: 'group', group: 'default', version: 2, seats: [alice.peerId, bob.peerId] },
  recovered: {
    kind: 'group',
    group: 'default',
    version: 1_000_000_001,
    seats: [bob.peerId],
    recovered: true,
    by: 'bob',
    reason: 'two machines burnt',
    lost: [alice.peerId],
  },
  attempt: {
    kind: 'attempt',
    task: TASK,
    epoch: 616_522_683,
    attempt: 1,
    startedAt: CREATED_AT + 5,
    term: lifeOf(TERM),
    outcome: { result: 'succeeded', exitCode: 0, endedAt: CREATED_AT + 9 },
  },
  profile: {
    kind: 'profile',
    name: 'bob',
    roles: ['builder'],
    skills: ['node'],
    labels: { os: 'linux' },
    pool: 'fast',
    slots: 2,
    accept: ['kind=shell'],
    version: '0.1.0',
  },
}

const batch: Entry = {
  kind: 'tasks',
  createdAt: CREATED_AT,
  nonce: NONCE,
  first: 1,
  specs: [{ kind: 'noop', argv: [], priority: 0, attempts: 1 }],
  items: [[0, 300]],
  preferred: [[alice.peerId, 7, 250]],
}
const later = (seq: number, ...written: Entry[]): Block => ({
  v: 1,
  author: alice.peerId,
  epoch: 7,
  seq,
  prev: new Uint8Array(32).fill(5 + seq),
  hlc: CREATED_AT * 1024 + seq,
  entries: written,
})

export const blocks: Record<string, Block> = {
  'first of a mesh': {
    v: 1,
    author: alice.peerId,
    epoch: 1,
    seq: 1,
    prev: FIRST_PREV,
    hlc: CREATED_AT * 1024,
    entries: [entries['profile'] as Entry],
  },
  'first of a later epoch': {
    v: 1,
    author: alice.peerId,
    epoch: 7,
    seq: 1,
    prev: FIRST_PREV,
    hlc: CREATED_AT * 1024 + 1,
    before: { epoch: 1, seq: 9 },
    entries: Object.values(entries),
  },
  'a kind of the future': {
    v: 1,
    author: alice.peerId,
    epoch: 7,
    seq: 2,
    prev: new Uint8Array(32).fill(9),
    hlc: CREATED_AT * 1024 + 2,
    entries: [{ kind: 'dream', depth: 3 } as { kind: string }],
  },
  'a name': later(3, { kind: 'name', key: '@lock/deploy' as NameKey, value: registerValues['name'] as RegisterValue }),
  batches: later(4, batch, { kind: 'registers', tasks: runsOf(batchTaskIds(alice.peerId, CREATED_AT, NONCE, 1, 300)), value: held }),
}

export const presence: Presence = {
  t: 'presence',
  node: bob.peerId,
  epoch: 7,
  version: 3,
  state: 'active',
  freeSlots: 2,
  load: 35,
  memoryFreeMb: 2048,
}
export const gossip: Record<string, GossipMessage> = { presence, heads: { t: 'heads', heads: [[alice.peerId, 7, 12]] } }

export const genesis: Genesis = { v: 1, founder: alice.peerId, createdAt: CREATED_AT, nonce: NONCE }
export const certificate: Certificate = {
  v: 1,
  mesh: MESH,
  subject: bob.peerId,
  name: 'bob',
  role: 'member',
  issuer: alice.peerId,
  issuedAt: CREATED_AT,
  invite: 'abcdefgh',
}
export const removal: Removal = {
  v: 1,
  mesh: MESH,
  subject: bob.peerId,
  issuer: alice.peerId,
  at: CREATED_AT,
  left: false,
  cut: [[7, 12]],
  keeps: [new Uint8Array(12).fill(5)],
}
export const lastWords: LastWords = { v: 1, mesh: MESH, node: bob.peerId, term: TERM }
export const invite: Invite = {
  v: 1,
  mesh: MESH,
  id: 'abcdefgh',
  seed: new Uint8Array(32).fill(6),
  psk: new Uint8Array(32).fill(7),
  redeemer: alice.peerId,
  addresses: ['/ip4/127.0.0.1/tcp/4001'],
  role: 'member',
  expiresAt: CREATED_AT + 900_000,
}

export const callRequests: CallRequest[] = [
  { op: 'log', task: TASK, epoch: 1, from: 0, follow: true },
  { op: 'blob', hash: LOG },
  { op: 'command', verb: 'drain' },
  { op: 'blob-take', hash: LOG, size: 4_096 },
  { op: 'page-pass' },
]
export const callAnswers: CallAnswer[] = [
  { t: 'chunk', offset: 0, stream: 1, time: CREATED_AT, bytes: Uint8Array.of(104, 105, 10) },
  { t: 'bytes', bytes: Uint8Array.of(0, 255) },
  { t: 'progress', phase: 'clone', message: 'receiving objects', percent: 40.5 },
  { t: 'done' },
  { t: 'pass', origin: 'http://127.0.0.1:7777', code: 'c'.repeat(43), mark: 'abcdefgh12345678', lifeMs: 180_000 },
  { t: 'error', code: 'no-log', message: 'nothing was written', kind: 'missing', cure: 'wait' },
]
