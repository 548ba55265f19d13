// The registers of a seat on its disk: one record a request, read back as they were, gone when nothing refers to them.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NameKey, RegisterKey } from '../../../../../protocols/ids.ts'
import { batchTaskIds } from '../../../../../protocols/tasks/task-runs.ts'
import { createMemoryDatabase } from '../../../../../node/store/memory-database.ts'
import type { Write } from '../../../../../node/store/database.ts'
import { endOf, REGISTER_JOURNAL, REGISTERS } from '../../../../../node/store/namespaces.ts'
import type { Register, StoredRegisters } from '../../../../../node/tasks/claims/registers/register-book.ts'
import { createRegisterBook, createRegisterReader } from '../../../../../node/tasks/claims/registers/register-book.ts'
import { encode } from '@ipld/dag-cbor'
import { alice, bob, CREATED_AT, NONCE, registerValues, TASK } from '../../../../protocols/samples.ts'

const ids = batchTaskIds(alice.peerId, CREATED_AT, NONCE, 0, 200)
const promise = (round: number): Register => ({ promised: [round, bob.peerId] })
const accepted: Register = { promised: [1, alice.peerId], accepted: { ballot: [0, alice.peerId], value: registerValues['held']! } }

function createDisk() {
  const database = createMemoryDatabase()
  const keys = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const [key] of database.range('', '~')) found.push(key)
    return found
  }
  const read = async (): Promise<StoredRegisters> => {
    const reader = createRegisterReader()
    for (const namespace of [REGISTERS, REGISTER_JOURNAL])
      for await (const [key, value] of database.range(namespace, endOf(namespace))) reader.take(key, value)
    return reader.stored
  }
  return { keys, read, write: (writes: readonly Write[]) => void database.write(writes, { sync: true }) }
}

test('registers that one request changed the same way are one small record', () => {
  const book = createRegisterBook({ registers: new Map() })
  const [record, ...others] = book.put(ids.map((id) => [id, accepted] as const))
  expect(others).toEqual([])
  expect(record !== undefined && 'put' in record ? record.value.length : Infinity).toBeLessThan(500)
})

test('a record goes from the disk with the last register in it', async () => {
  const disk = createDisk()
  const book = createRegisterBook({ registers: new Map() })
  disk.write(book.put(ids.map((id) => [id, accepted] as const)))
  disk.write(book.put(ids.slice(0, 199).map((id) => [id, promise(4)] as const)))
  expect(await disk.keys()).toHaveLength(2)
  disk.write(book.drop(ids.slice(150)))
  expect(await disk.keys()).toHaveLength(1)
  disk.write(book.drop(ids))
  expect(await disk.keys()).toEqual([])
  expect([...book.keys()]).toEqual([])
})

test('registers that were written one a key are read, and moved with their next change', async () => {
  const disk = createDisk()
  disk.write([{ put: REGISTERS + TASK, value: encode(accepted) }])
  const book = createRegisterBook(await disk.read())
  expect(book.get(TASK)).toEqual(accepted)
  disk.write(book.put([[TASK, promise(3)]]))
  expect(await disk.keys()).toEqual([expect.stringMatching(/^j\//)])
  expect((await disk.read()).registers).toEqual(new Map([[TASK, promise(3)]]))
})

test('whatever was put and dropped, and however often it was started again, the disk holds the same registers and no record in vain', async () => {
  const keys: RegisterKey[] = [...ids.slice(0, 8), TASK, '@lock/a' as NameKey, '@lock/b' as NameKey]
  const some = fc.subarray(keys, { minLength: 1 })
  const tasks = fc.subarray(keys.slice(0, 9), { minLength: 1 })
  const step = fc.oneof(
    fc.tuple(fc.constant('put' as const), some, fc.nat(3)),
    fc.tuple(fc.constant('drop' as const), tasks, fc.constant(0)),
    fc.tuple(fc.constant('restart' as const), some, fc.constant(0)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const disk = createDisk()
      const model = new Map<RegisterKey, Register>()
      let book = createRegisterBook({ registers: new Map() })
      for (const [kind, which, round] of steps) {
        if (kind === 'restart') {
          // One that was dropped comes back with its record: the log that made it needless is still there, so it is dropped again.
          book = createRegisterBook(await disk.read())
          disk.write(book.drop([...book.keys()].filter((key) => !model.has(key))))
        }
        if (kind === 'drop') {
          disk.write(book.drop(which))
          for (const key of which) model.delete(key)
        }
        if (kind !== 'put') continue
        const register = promise(round)
        disk.write(book.put(which.map((key) => [key, register] as const)))
        for (const key of which) model.set(key, register)
      }
      const stored = await disk.read()
      for (const [key, register] of model) expect(stored.registers.get(key)).toEqual(register)
      expect(new Map([...book.keys()].map((key) => [key, book.get(key)]))).toEqual(model)
      expect(book.names()).toBe([...model.keys()].filter((key) => key.startsWith('@')).length)
      disk.write(createRegisterBook(stored).drop([]))
      expect((await disk.keys()).length).toBeLessThanOrEqual(new Set(stored.records?.values()).size)
    }),
    { numRuns: 150 },
  )
})
