// The contract that every database of a node keeps: order, ranges, atomic batches, bytes as they were.
import { expect, test } from 'vitest'
import type { Database } from '../../node/store/database.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Declares the suite; `open` gives an empty database each time. */
export function databaseContract(open: () => Promise<Database>): void {
  const rows = async (database: Database, from: string, to: string): Promise<[string, string][]> => {
    const found: [string, string][] = []
    for await (const [key, value] of database.range(from, to)) found.push([key, Buffer.from(value).toString()])
    return found
  }
  const withDatabase = (name: string, body: (database: Database) => Promise<void>): void =>
    test(name, async () => {
      const database = await open()
      try {
        await body(database)
      } finally {
        await database.close()
      }
    })

  withDatabase('a value comes back byte for byte, an absent one as undefined', async (database) => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    await database.write(
      [
        { put: 'k', value: all },
        { put: 'empty', value: new Uint8Array() },
      ],
      { sync: true },
    )
    expect(Buffer.from((await database.get('k')) ?? []).equals(Buffer.from(all))).toBe(true)
    expect((await database.get('empty'))?.length).toBe(0)
    expect(await database.get('absent')).toBeUndefined()
  })

  withDatabase('a range is sorted by bytes, with its start and without its end', async (database) => {
    await database.write(
      ['b/2', 'a', 'b/10', 'c', 'b/1', 'b'].map((put) => ({ put, value: bytes(put) })),
      { sync: false },
    )
    expect(await rows(database, 'b/', 'b0')).toEqual([
      ['b/1', 'b/1'],
      ['b/10', 'b/10'],
      ['b/2', 'b/2'],
    ])
    expect(await rows(database, 'b/1', 'b/2')).toEqual([
      ['b/1', 'b/1'],
      ['b/10', 'b/10'],
    ])
    expect(await rows(database, 'x', 'y')).toEqual([])
  })

  withDatabase('a batch puts, replaces and deletes in its order', async (database) => {
    await database.write(
      [
        { put: 'a', value: bytes('1') },
        { put: 'b', value: bytes('1') },
      ],
      { sync: true },
    )
    await database.write(
      [{ del: 'a' }, { put: 'b', value: bytes('2') }, { put: 'c', value: bytes('1') }, { put: 'c', value: bytes('3') }, { del: 'never' }],
      { sync: true },
    )
    expect(await rows(database, 'a', 'z')).toEqual([
      ['b', '2'],
      ['c', '3'],
    ])
  })

  withDatabase('thousands of rows are read in pages, and a reader may stop early', async (database) => {
    const keys = Array.from({ length: 2_345 }, (_, i) => `k/${String(i).padStart(6, '0')}`)
    await database.write(
      keys.map((put) => ({ put, value: bytes(put) })),
      { sync: false },
    )
    expect((await rows(database, 'k/', 'k0')).map(([key]) => key)).toEqual(keys)
    for await (const [key] of database.range('k/', 'k0')) {
      expect(key).toBe('k/000000')
      break
    }
    expect(await rows(database, 'k/002344', 'k0')).toHaveLength(1)
  })
}
