// The sweep over real files: what a kept task names stays, what only old tasks name goes, what nobody names goes after an hour.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { BlobHash, PeerId, TaskId } from '../../../../protocols/ids.ts'
import type { Outcome, TaskSpec } from '../../../../protocols/records.ts'
import { silentLog } from '../../../../node/kernel/log.ts'
import type { BlobStore } from '../../../../node/store/blobs.ts'
import { createBlobStore } from '../../../../node/store/blobs.ts'
import type { TaskState } from '../../../../node/tasks/fold/fold.ts'
import { emptyState } from '../../../../node/tasks/fold/task-state.ts'
import { dropOldLogs } from '../../../../node/tasks/retention/old-logs.ts'
import { createRetentionRule } from '../../../../node/tasks/retention/rule.ts'
import type { Sweep } from '../../../../node/tasks/retention/sweep.ts'
import { createSweep } from '../../../../node/tasks/retention/sweep.ts'
import { createVirtualClock, type VirtualClock } from '../../../support/virtual-clock.ts'
import { until } from '../../../support/until.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const SPEC: TaskSpec = { kind: 'shell', argv: ['true'], priority: 4, attempts: 1 }
const AUTHOR = 'author' as PeerId

let dir: string
let clock: VirtualClock
let blobs: BlobStore
let tasks: Map<TaskId, TaskState>
let plans: TaskSpec[]
let saved: string[]
let settling: boolean
let removed: string[]
let onRemoved: (hash: string) => void
let sweep: Sweep

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nimbus-retention-'))
  clock = createVirtualClock()
  blobs = createBlobStore({ dir })
  tasks = new Map()
  plans = []
  saved = []
  settling = false
  removed = []
  onRemoved = () => {}
  const fold = { task: (id: TaskId) => tasks.get(id), tasks: () => tasks.values() }
  sweep = createSweep({
    clock,
    log: silentLog,
    fold,
    rule: createRetentionRule(clock, fold, 7 * DAY),
    blobs,
    plans: () => plans,
    named: () => saved,
    isSettling: () => settling,
    dropOldLogs: () => Promise.resolve(),
    onRemoved: (hash) => (removed.push(hash), onRemoved(hash)),
    onError(error) {
      throw error
    },
  })
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** A file that was written now, by the virtual clock. */
async function file(text: string): Promise<BlobHash> {
  const { hash } = await blobs.put(Buffer.from(text))
  const now = clock.wallMs() / 1000
  utimesSync(blobs.pathOf(hash), now, now)
  return hash as BlobHash
}

let made = 0
function add(spec: Partial<TaskSpec>, outcome?: Partial<Outcome>): TaskState {
  const id = `T${made++}`.padEnd(26, '0') as TaskId
  const hlc = clock.wallMs() * 1024
  const state: TaskState = {
    ...emptyState(id),
    updated: hlc,
    task: { author: AUTHOR, createdAt: clock.wallMs(), hlc, spec: { ...SPEC, ...spec } },
  }
  if (outcome !== undefined) {
    const end: Outcome = { result: 'succeeded', endedAt: clock.wallMs(), ...outcome }
    state.value = { version: 2, epoch: 1, state: 'settled', attempt: 1, outcome: end, end: 'succeeded' }
    state.attempts = [{ epoch: 1, outcome: end }]
  }
  tasks.set(id, state)
  return state
}
const named = (hash: BlobHash) => ({ hash, size: 1 })
const here = async (...hashes: string[]): Promise<boolean[]> => Promise.all(hashes.map((hash) => blobs.has(hash)))

test('after the retention log, artifacts and inputs of a task go, and not before', async () => {
  const [log, artifact, folder, stdin] = [await file('log'), await file('artifact'), await file('folder'), await file('stdin')]
  add({ dir: named(folder), stdin: named(stdin) }, { log: named(log), artifacts: [{ path: 'a', ...named(artifact) }] })
  clock.advance(7 * DAY - 1)
  expect(await sweep.run()).toBe(0)
  clock.advance(HOUR)
  expect(await sweep.run()).toBe(4)
  expect(await here(log, artifact, folder, stdin)).toEqual([false, false, false, false])
  expect(new Set(removed)).toEqual(new Set([log, artifact, folder, stdin]))
})

test('what a newer task, an open task or a schedule names as well stays', async () => {
  const [byNewer, byOpen, byPlan] = [await file('newer'), await file('open'), await file('plan')]
  add({}, { artifacts: [byNewer, byOpen, byPlan].map((hash) => ({ path: hash, ...named(hash) })) })
  add({ dir: named(byOpen) })
  plans.push({ ...SPEC, stdin: named(byPlan) })
  clock.advance(7 * DAY)
  add({}, { artifacts: [{ path: 'same', ...named(byNewer) }] })
  clock.advance(HOUR)
  expect(await sweep.run()).toBe(0)
  clock.advance(8 * DAY)
  expect(await sweep.run()).toBe(1)
  expect(await here(byNewer, byOpen, byPlan)).toEqual([false, true, true])
})

test('what an old task left stays for an open task that comes after it', async () => {
  const artifact = await file('artifact')
  const first = add({}, { artifacts: [{ path: 'a', ...named(artifact) }] })
  const second = add({ after: [first.id] })
  clock.advance(30 * DAY)
  expect(await sweep.run()).toBe(0)
  tasks.delete(second.id)
  expect(await sweep.run()).toBe(1)
})

test('a task that is run again while a sweep removes keeps what it names', async () => {
  const hashes = [await file('one'), await file('two')]
  add({}, { artifacts: hashes.map((hash) => ({ path: hash, ...named(hash) })) })
  clock.advance(30 * DAY)
  onRemoved = (gone) => hashes.filter((hash) => hash !== gone).forEach((hash) => sweep.note(add({ dir: named(hash) })))
  expect(await sweep.run()).toBe(1)
  expect((await here(...hashes)).filter(Boolean)).toHaveLength(1)
})

test('what no task names goes after an hour, but not in the first ten minutes, nor while a result waits for the keepers', async () => {
  const [old, other] = [await file('leftover'), await file('other')]
  utimesSync(blobs.pathOf(old), 1, 1)
  clock.advance(599_000)
  expect(await sweep.run()).toBe(0)
  clock.advance(2_000)
  settling = true
  expect(await sweep.run()).toBe(0)
  settling = false
  expect(await sweep.run()).toBe(1)
  expect(await here(old, other)).toEqual([false, true])
  clock.advance(HOUR)
  expect(await sweep.run()).toBe(1)
})

test('a file that is read, or was brought again a moment ago, stays', async () => {
  const [read, brought] = [await file('read'), await file('brought')]
  add({}, { artifacts: [read, brought].map((hash) => ({ path: hash, ...named(hash) })) })
  clock.advance(30 * DAY)
  await file('brought')
  const release = await blobs.hold(read)
  expect(await sweep.run()).toBe(0)
  release()
  expect(await sweep.run()).toBe(1)
  expect(await here(read, brought)).toEqual([false, true])
})

test('it runs at start, and again by the clock', async () => {
  const [one, two] = [await file('one'), await file('two')]
  add({}, { artifacts: [{ path: 'a', ...named(one) }] })
  clock.advance(8 * DAY)
  sweep.start()
  await until(() => removed.includes(one), { what: 'the first sweep' })
  add({}, { artifacts: [{ path: 'a', ...named(two) }] })
  await until(() => (clock.advance(HOUR), removed.includes(two)), { what: 'a later sweep' })
  await sweep.stop()
})

test('the rule says by name what was removed, and for which task it would still be here', async () => {
  const fold = { tasks: () => tasks.values() }
  const rule = createRetentionRule(clock, fold, 7 * DAY)
  const [hash, other] = [await file('a'), await file('b')]
  const task = add({}, { log: named(hash) })
  expect([rule.isOver(task), await rule.isLost(hash), await rule.isLost(other)]).toEqual([false, false, false])
  clock.advance(7 * DAY + 1)
  expect([rule.isOver(task), await rule.isLost(hash), await rule.isLost(other)]).toEqual([true, true, false])
  expect(rule.refusal('log-expired', 'The log of attempt 1')).toMatchObject({
    code: 'log-expired',
    kind: 'missing',
    message: 'The log of attempt 1 was removed after its retention of 7d.',
    cure: expect.stringContaining('up --retention 30d') as string,
  })
  add({}, { log: named(hash) })
  expect(await rule.isLost(hash)).toBe(false)
})

test('logs that a dead run left go, those of live runs stay', async () => {
  const logs = join(dir, 'logs')
  await dropOldLogs(logs, Infinity, new Set())
  mkdirSync(logs)
  for (const name of ['dead', 'live', 'fresh']) writeFileSync(join(logs, name), name)
  for (const name of ['dead', 'live']) utimesSync(join(logs, name), 1, 1)
  await dropOldLogs(logs, 10_000, new Set([join(logs, 'live')]))
  expect(readdirSync(logs).sort()).toEqual(['fresh', 'live'])
})
