// The judge of histories can fail: a good history breaks nothing, and each kind of breach is found under its number.
import { expect, test } from 'vitest'
import type { Observation, PromiseName, Seen } from './history.ts'
import { describeViolation, violationsOf } from './history.ts'

type Saw = Extract<Observation, { kind: 'saw' }>
const done = (task: string, epoch: number, holder: string, more: Partial<Seen> = {}): Seen => ({
  task,
  epochs: [{ epoch, holder, result: 'succeeded' }],
  attempt: 1,
  settled: { end: 'succeeded', epoch, outcome: `succeeded in ${epoch}` },
  ...more,
})
const open = (task: string, ...epochs: Seen['epochs']): Seen => ({ task, epochs, attempt: 1 })
const ran = (task: string, epoch: number, node: string, fromMs: number, toMs: number, finished = true): Observation => ({
  kind: 'ran',
  task,
  epoch,
  node,
  fromMs,
  toMs,
  finished,
})
const saw = (node: string, atMs: number, ...tasks: Seen[]): Saw => ({ kind: 'saw', node, atMs, whole: true, tasks })
const rest = (node: string, ...tasks: Seen[]): Observation => ({ kind: 'rest', node, foldHash: 'same', conflicts: 0, tasks })
const published = (task: string): Observation => ({ kind: 'published', task, acknowledged: true })

/** T ran at A, was lost there, and then ran at B to its end. */
const lostOnce = done('T', 2, 'B', {
  epochs: [
    { epoch: 1, holder: 'A', result: 'lost' },
    { epoch: 2, holder: 'B', result: 'succeeded' },
  ],
})
const ROUGH: Observation[] = [
  published('T'),
  ran('T', 1, 'A', 10, 20, false),
  { kind: 'minority', nodes: ['A'], fromMs: 22, toMs: 60 },
  saw('A', 23, open('T', { epoch: 1, holder: 'A' })),
  ran('T', 2, 'B', 25, 40),
  saw('A', 59, open('T', { epoch: 1, holder: 'A' })),
  saw('B', 50, lostOnce),
  rest('A', lostOnce),
  rest('B', lostOnce),
]
const broken = (observations: Observation[]): PromiseName[] => [...new Set(violationsOf(observations).map(({ promise }) => promise))].sort()

test('a loss, a minority and a second run break no promise', () => {
  expect(violationsOf(ROUGH)).toEqual([])
})

const cancelled: Seen = { task: 'C', epochs: [], attempt: 1, settled: { end: 'cancelled', epoch: 0, outcome: 'cancelled' } }
const again = done('T', 2, 'B', { ...lostOnce, settled: { end: 'succeeded', epoch: 2, outcome: 'another log' } })
test.each<[string, PromiseName, Observation[]]>([
  ['an acknowledged task that one node does not know', 'P1', [published('X'), rest('A', done('X', 1, 'A')), rest('B')]],
  ['an acknowledged task that nobody knows', 'P1', [published('X'), rest('A'), rest('B')]],
  ['two nodes that ran one epoch', 'P2', [ran('T', 2, 'C', 40, 40)]],
  ['two nodes shown as holders of one epoch', 'P2', [saw('C', 70, { ...lostOnce, epochs: [{ epoch: 2, holder: 'C' }] })]],
  ['two values of one version', 'P2', [{ kind: 'rest', node: 'C', foldHash: 'same', conflicts: 1, tasks: [lostOnce] }]],
  ['a run that goes on after the next one began', 'P3', [ran('T', 1, 'A', 10, 26, false)]],
  ['a run that is thawed after the next one ended', 'P3', [ran('T', 1, 'A', 10, 45, false)]],
  ['a run that begins after a later epoch', 'P3', [ran('T', 1, 'A', 41, 42, false)]],
  ['a run that goes on after its end was seen', 'P3', [ran('T', 2, 'B', 25, 51)]],
  ['two outcomes', 'P4', [rest('C', again)]],
  ['an outcome that changed later', 'P4', [saw('B', 45, again)]],
  [
    'two successes in one view',
    'P4',
    [rest('C', { ...lostOnce, epochs: lostOnce.epochs.map((one) => ({ ...one, result: 'succeeded' })) })],
  ],
  ['a result of a run that never came to its end', 'P4', [published('X'), ran('X', 1, 'A', 1, 2, false), rest('A', done('X', 1, 'A'))]],
  ['a run that begins in a minority', 'P5', [ran('X', 1, 'A', 30, 31)]],
  ['a task claimed in a minority', 'P5', [saw('A', 40, open('T', { epoch: 1, holder: 'A' }, { epoch: 2, holder: 'A' }))]],
  ['a task published in a minority and claimed there', 'P5', [saw('A', 40, open('X', { epoch: 1, holder: 'A' }))]],
  ['a task settled in a minority', 'P5', [saw('A', 55, lostOnce)]],
  ['folds that differ', 'P6', [{ kind: 'rest', node: 'C', foldHash: 'other', conflicts: 0, tasks: [lostOnce] }]],
  ['a task that is never settled', 'P7', [rest('C', open('X'))]],
  ['a loss that used up an attempt', 'P7', [rest('C', { ...lostOnce, attempt: 2 })]],
  [
    'a loss that ended the task',
    'P7',
    [rest('C', done('X', 1, 'A', { epochs: [], settled: { end: 'failed', epoch: 1, outcome: 'failed' } }))],
  ],
  ['a run of a task that was cancelled before', 'P8', [ran('C', 1, 'A', 10, 11), rest('A', cancelled)]],
  [
    'a run that goes on after its cancel',
    'P8',
    [ran('C', 1, 'A', 10, 30), saw('A', 20, { ...cancelled, settled: { ...cancelled.settled!, epoch: 1 } })],
  ],
  [
    'a run that begins after its cancel',
    'P8',
    [ran('C', 2, 'A', 10, 30), rest('A', { ...cancelled, settled: { ...cancelled.settled!, epoch: 1 } })],
  ],
])('found: %s', (_name, promise, more) => {
  expect(broken([...ROUGH, ...more])).toContain(promise)
})

test('where work fails by itself, a used attempt is no breach', () => {
  const twice = [rest('A', done('X', 2, 'A', { attempt: 2 }))]
  expect(violationsOf(twice, { workFails: true })).toEqual([])
  expect(violationsOf(twice).map(describeViolation)).toEqual(['P7: X succeeded after 2 attempts at A, but its work never fails by itself'])
})

test('what was only published, not acknowledged, may be lost with its disk', () => {
  expect(violationsOf([{ kind: 'published', task: 'X', acknowledged: false }, rest('A'), rest('B')])).toEqual([])
})

test('a run without a keeper may begin in a minority, also where its task was lost with the only disk that knew it', () => {
  const minority: Observation = { kind: 'minority', nodes: ['A'], fromMs: 22, toMs: 60 }
  const run = ran('X', 1, 'A', 30, 31)
  expect(broken([minority, run, rest('A'), rest('B')])).toEqual(['P5'])
  expect(broken([minority, { ...run, available: true } as Observation, rest('A'), rest('B')])).toEqual([])
})
