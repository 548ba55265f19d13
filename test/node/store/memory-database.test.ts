// The database in memory keeps the same contract as the one on disk.
import { createMemoryDatabase } from '../../../node/store/memory-database.ts'
import { databaseContract } from '../../contracts/database.ts'

databaseContract(() => Promise.resolve(createMemoryDatabase()))
