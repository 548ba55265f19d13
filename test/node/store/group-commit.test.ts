// Group commit: one fsync for whatever gathers while another runs, in order, and silence after a failure.
import { expect, test } from 'vitest'
import type { Database, Write } from '../../../node/store/database.ts'
import { createGroupCommit } from '../../../node/store/group-commit.ts'
import { createMemoryDatabase } from '../../../node/store/memory-database.ts'

const put = (key: string): Write[] => [{ put: key, value: new Uint8Array(1) }]

/** The memory database behind a disk that finishes a write when it is told to. */
function slowDisk() {
  const memory = createMemoryDatabase()
  const writing: { keys: string[]; finish(error?: Error): void }[] = []
  const database: Database = {
    ...memory,
    write: (writes, options) =>
      new Promise((resolve, reject) => {
        const keys = writes.map((write) => ('put' in write ? write.put : write.del))
        writing.push({ keys, finish: (error) => (error === undefined ? resolve(memory.write(writes, options)) : reject(error)) })
      }),
  }
  return { database, writing }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what gathers during one fsync shares the next one, and is answered in order', async () => {
  const { database, writing } = slowDisk()
  const commit = createGroupCommit(database, () => {})
  const done: string[] = []
  commit.add(put('a'), () => done.push('a'))
  await turn()
  for (const key of ['b', 'c', 'd']) commit.add(put(key), () => done.push(key))
  await turn()
  expect(writing.map(({ keys }) => keys)).toEqual([['a']])
  expect(done).toEqual([])
  writing[0]?.finish()
  await turn()
  expect(done).toEqual(['a'])
  expect(writing.map(({ keys }) => keys)).toEqual([['a'], ['b', 'c', 'd']])
  writing[1]?.finish()
  await turn()
  expect(done).toEqual(['a', 'b', 'c', 'd'])
  expect(commit.counters()).toEqual({ writes: 4, syncs: 2 })
})

test('a flush waits for everything added before it', async () => {
  const { database, writing } = slowDisk()
  const commit = createGroupCommit(database, () => {})
  await commit.flush()
  commit.add(put('a'))
  let flushed = false
  void commit.flush().then(() => (flushed = true))
  await turn()
  expect(flushed).toBe(false)
  writing[0]?.finish()
  await turn()
  expect(flushed).toBe(true)
})

test('after a failed write nothing more is answered or written', async () => {
  const { database, writing } = slowDisk()
  const failures: unknown[] = []
  const done: string[] = []
  const commit = createGroupCommit(database, (error) => failures.push(error))
  commit.add(put('a'), () => done.push('a'))
  await turn()
  commit.add(put('b'), () => done.push('b'))
  writing[0]?.finish(new Error('EIO'))
  await turn()
  commit.add(put('c'), () => done.push('c'))
  await turn()
  expect({ done, writes: writing.length }).toEqual({ done: [], writes: 1 })
  expect(failures).toEqual([new Error('EIO')])
})
