// The query language of lists: what it finds, what it refuses, and that no text of anybody makes it slow or throw otherwise.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FilterFlaw, filterPhrase, parseFilter } from '../../../protocols/filters/filter.ts'
import { type FilteredTask, TASK_KEYS, taskFacts } from '../../../protocols/filters/task-filter.ts'

const NOW = 10_000_000
const task = (id: string, rest: Partial<FilteredTask> = {}): FilteredTask => ({
  id,
  state: 'succeeded',
  spec: { argv: ['echo', id] },
  author: 'peer-a',
  authorName: 'laptop',
  createdAt: NOW - 60_000,
  attempts: [],
  exitCode: undefined,
  ...rest,
})
const TASKS = [
  task('one', {
    state: 'failed',
    exitCode: 2,
    attempts: [{ worker: 'peer-b', workerName: 'box' }],
    spec: { argv: ['npm', 'test'], name: 'web tests', labels: { os: 'linux' } },
  }),
  task('two', {
    state: 'running',
    attempts: [{ worker: 'peer-c', workerName: 'box-2' }],
    spec: { argv: ['make'], pool: 'ci', skills: ['gpu', 'c'], priority: 9 },
  }),
  task('three', {
    state: 'dead',
    createdAt: NOW - 7_200_000,
    spec: { argv: ['curl', 'http://example.org/a,b'], retryOf: 'zero', kind: 'build' },
  }),
]
const found = (text: string): string[] => {
  const filter = parseFilter(text, TASK_KEYS)
  return TASKS.filter((one) => filter.matches(taskFacts(one, NOW))).map(({ id }) => id)
}

describe('a filter', () => {
  test.each([
    ['', ['one', 'two', 'three']],
    ['MAKE', ['two']],
    ['npm test', ['one']],
    ['"npm test"', ['one']],
    ['"test npm"', []],
    ['state:failed', ['one']],
    ['state:failed,dead', ['one', 'three']],
    ['-state:failed,dead', ['two']],
    ['-npm', ['two', 'three']],
    ['state:failed worker:box', ['one']],
    ['worker:box*', ['one', 'two']],
    ['worker:peer-c', ['two']],
    ['name:"web tests"', ['one']],
    ['name:w*t*', ['one']],
    ['name:web', []],
    ['pool:CI skill:gpu', ['two']],
    ['label:os=linux', ['one']],
    ['is:open', ['two']],
    ['is:retry kind:build', ['three']],
    ['age:<1h', ['one', 'two']],
    ['age:>=2h', ['three']],
    ['priority:>5', ['two']],
    ['priority:5', ['one', 'three']],
    ['exit:2', ['one']],
    ['-exit:2 author:laptop', ['two', 'three']],
    ['http://example.org/a,b', ['three']],
    ['"state:failed"', []],
  ])('%s finds %j', (text, ids) => expect(found(text)).toEqual(ids))

  test.each([
    ['stat:failed', 'This list has no key stat.'],
    ['state:broken', 'state: does not know broken.'],
    ['state:', 'state: has no value.'],
    ['state: failed', 'state: has no value.'],
    ['age:5', 'age: cannot be compared with 5.'],
    ['priority:5m', 'priority: cannot be compared with 5m.'],
    ['a "b', 'The quote at character 3 has no end.'],
    ['constructor:x', 'This list has no key constructor.'],
    ['a '.repeat(21), 'The filter has 21 words, more than 20.'],
  ])('%s is refused by name, with a cure', (text, message) => {
    const flaw = flawOf(text)
    expect(flaw?.message).toBe(message)
    expect(flaw?.cure).not.toBe('')
  })

  test('any text is a filter or a flaw, and a phrase of a value finds it', () => {
    fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => void flawOf(text)))
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), (name) => {
        fc.pre(!name.includes('*'))
        const filter = parseFilter(`name:${filterPhrase(name)}`, TASK_KEYS)
        expect(filter.matches(taskFacts(task('x', { spec: { argv: [], name } }), NOW))).toBe(true)
      }),
    )
  })
})

function flawOf(text: string): FilterFlaw | undefined {
  try {
    parseFilter(text, TASK_KEYS)
    return undefined
  } catch (error) {
    if (error instanceof FilterFlaw) return error
    throw error
  }
}
