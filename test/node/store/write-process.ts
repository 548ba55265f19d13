// A process that writes until it is killed: node write-process.ts DIR. It prints a number once that batch is on disk.
import { createGroupCommit } from '../../../node/store/group-commit.ts'
import { openLevelDatabase } from '../../../node/store/level-database.ts'

const database = await openLevelDatabase(process.argv[2] as string)
const commit = createGroupCommit(database, (error) => {
  throw error
})
const payload = new Uint8Array(2_000).fill(7)
for (let i = 0; ; i++) {
  // Two keys a piece: the reader can see whether a piece was ever torn.
  const writes = ['x', 'y'].map((half) => ({ put: `${half}/${String(i).padStart(8, '0')}`, value: payload }))
  commit.add(writes, () => process.stdout.write(`${i}\n`))
  if (i % 8 === 7) await commit.flush()
}
