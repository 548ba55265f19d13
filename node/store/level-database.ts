// The database contract on LevelDB. It never creates a database where one should be: a missing marker with data, or data
// without a marker, is refused rather than papered over (LevelDB by itself would start empty and delete the tables).
import { Level } from 'level'
import { existsSync } from 'node:fs'
import { mkdir, open, readdir } from 'node:fs/promises'
import path from 'node:path'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { Database } from './database.ts'

const PAGE_ROWS = 500

export async function openLevelDatabase(dir: string): Promise<Database> {
  const marker = path.join(dir, 'nimbus-store')
  const isNew = !existsSync(dir) || (await readdir(dir)).length === 0
  if (!isNew && !existsSync(marker)) {
    throw new NimbusError('store-foreign', `${dir} holds files that are not a Nimbus store`, {
      cure: 'choose another data folder with --data, or move those files away',
    })
  }
  await mkdir(dir, { recursive: true })
  const level = new Level<string, Uint8Array>(path.join(dir, 'level'), { keyEncoding: 'utf8', valueEncoding: 'view' })
  try {
    await level.open({ createIfMissing: isNew })
  } catch (error) {
    throw openError(dir, error)
  }
  if (isNew) await writeMarker(marker)
  return {
    get: (key) => level.get(key),
    async *range(from, to) {
      const iterator = level.iterator({ gte: from, lt: to })
      try {
        for (let page = await iterator.nextv(PAGE_ROWS); page.length > 0; page = await iterator.nextv(PAGE_ROWS)) yield* page
      } finally {
        await iterator.close()
      }
    },
    write: (writes, { sync }) =>
      level.batch(
        writes.map((write) => ('put' in write ? { type: 'put', key: write.put, value: write.value } : { type: 'del', key: write.del })),
        { sync },
      ),
    close: () => level.close(),
  }
}

/** The marker is written last, so a store without it was never complete. */
async function writeMarker(marker: string): Promise<void> {
  const file = await open(marker, 'w', 0o600)
  await file.writeFile('1\n')
  await file.sync()
  await file.close()
}

function openError(dir: string, error: unknown): NimbusError {
  const cause = (error as { cause?: { code?: string } }).cause
  if (cause?.code === 'LEVEL_LOCKED') {
    return new NimbusError('data-in-use', `the data folder ${path.dirname(dir)} is in use by another node`, {
      kind: 'busy',
      cure: 'stop that node with `nimbus down`, or start this one with another --data folder',
    })
  }
  return new NimbusError('store-open', `the store in ${dir} cannot be opened: ${messageOf(cause ?? error)}`, {
    cure: 'if files are damaged, move the store folder away and start again: the node fetches everything from its peers',
    cause: error,
  })
}
