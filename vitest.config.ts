// The test run: quick suites side by side on two cores, then flows of real processes and browsers two at a time, then what
// measures time or fills both cores by itself, one file at a time. Retries stay off: a test that passes the second time hides a fault.
import { defineConfig } from 'vitest/config'

const nodeMajor = Number(process.versions.node.split('.')[0])
if (nodeMajor < 24) {
  throw new Error(`The tests need Node 24, but this is ${process.version}, because "vitest" was started outside npm. Run "npm test".`)
}

const quick = { pool: 'forks', maxWorkers: 2, testTimeout: 60_000, hookTimeout: 60_000, sequence: { groupOrder: 0 } } as const
const flows = { pool: 'forks', maxWorkers: 2, testTimeout: 180_000, hookTimeout: 120_000, sequence: { groupOrder: 1 } } as const
// One worker, because these suites measure time and fill both cores by themselves.
const slow = { pool: 'forks', maxWorkers: 1, fileParallelism: false, testTimeout: 180_000, hookTimeout: 120_000 } as const

const TIMED = ['test/e2e/{promises,churn,first}/**/*.test.ts']

export default defineConfig({
  test: {
    reporters: ['default', './test/support/plain-reporter.ts'],
    projects: [
      {
        test: {
          ...quick,
          name: 'node',
          include: ['test/{protocols,node,mesh,contracts,support,tidy}/**/*.test.ts'],
        },
      },
      {
        oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
        test: { ...quick, name: 'web', environment: 'happy-dom', include: ['test/web/**/*.test.{ts,tsx}'] },
      },
      { test: { ...flows, name: 'flows', include: ['test/e2e/**/*.test.ts'], exclude: TIMED } },
      { test: { ...slow, name: 'e2e', include: TIMED, sequence: { groupOrder: 2 } } },
      { test: { ...slow, name: 'lab', include: ['test/lab/**/*.test.ts'], sequence: { groupOrder: 3 } } },
    ],
  },
})
