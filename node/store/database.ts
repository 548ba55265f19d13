// The database contract: a sorted map of bytes with atomic, optionally durable batches. LevelDB and memory pass one
// suite (test/contracts/database.ts). Values are framed with a checksum by `checked-value.ts`, not here.
export type Write = { put: string; value: Uint8Array } | { del: string }

export type Database = {
  get(key: string): Promise<Uint8Array | undefined>
  /** All pairs with `from` <= key < `to`, in order, read in pages: memory stays bounded. */
  range(from: string, to: string): AsyncIterable<[string, Uint8Array]>
  /** All or nothing; `sync` means: on disk when the promise settles. */
  write(writes: readonly Write[], options: { sync: boolean }): Promise<void>
  close(): Promise<void>
}
