import { expect, test } from 'vitest'
import { carryOut } from '../../../../node/builds/run/carry-out.ts'
import type { Ended } from '../../../../node/builds/run/classify.ts'
import { detect } from '../../../../node/builds/detect.ts'
import { planBuild } from '../../../../node/builds/plan.ts'
import { listedTree } from '../listed-tree.ts'

const PLAN = planBuild(
  detect(listedTree({ 'package.json': JSON.stringify({ scripts: { build: 'x', test: 'y' } }), 'package-lock.json': '{}' })),
)
const GOOD = { exitCode: 0, output: '' }

/** @param ends of each command line, in the order in which it is run */
async function carriedOut(ends: Record<string, Omit<Ended, 'phase'>[]>) {
  const log: string[] = []
  let now = 0
  const report = await carryOut(PLAN, {
    wallMs: () => ++now,
    execute(step, { parallel }) {
      const line = step.argv.join(' ')
      log.push(parallel ? line : `${line} (one job)`)
      return Promise.resolve(ends[line]?.shift() ?? GOOD)
    },
    clean: () => Promise.resolve(void log.push('clean')),
    pause: (ms) => Promise.resolve(void log.push(`pause ${ms}`)),
    say: () => {},
  })
  return { report, log }
}

test('a build without trouble runs each step once', async () => {
  const { report, log } = await carriedOut({})
  expect(log).toEqual(['npm ci', 'npm run build', 'npm test'])
  expect(report).toMatchObject({ result: 'succeeded' })
  expect(report.tries).toHaveLength(3)
})

test('a network that fails twice is met with two pauses that grow', async () => {
  const down = { exitCode: 1, output: 'npm error code ECONNRESET' }
  const { report, log } = await carriedOut({ 'npm ci': [down, down] })
  expect(log).toEqual(['npm ci', 'pause 1000', 'npm ci', 'pause 2000', 'npm ci', 'npm run build', 'npm test'])
  expect(report.tries.slice(0, 2)).toMatchObject([
    { failure: 'network', recovery: 'retry' },
    { failure: 'network', recovery: 'retry' },
  ])
})

test('a lockfile that does not fit is installed without it, once', async () => {
  const unfit = { exitCode: 1, output: 'npm error code EUSAGE' }
  const { report, log } = await carriedOut({ 'npm ci': [unfit] })
  expect(log).toEqual(['npm ci', 'npm install', 'npm run build', 'npm test'])
  expect(report.result).toBe('succeeded')
  expect((await carriedOut({ 'npm ci': [unfit], 'npm install': [unfit] })).report).toMatchObject({ result: 'failed', failure: 'lockfile' })
})

test('a compile error is built once more from a clean tree, then it is the code', async () => {
  const broken = { exitCode: 2, output: 'src/a.ts(1,1): error TS2322: no' }
  const { report, log } = await carriedOut({ 'npm run build': [broken, broken] })
  expect(log).toEqual(['npm ci', 'npm run build', 'clean', 'npm ci', 'npm run build'])
  expect(report).toMatchObject({ result: 'failed', failure: 'compile' })
})

test('memory that ran out: one job at a time, then another worker', async () => {
  const killed = { signal: 'SIGKILL', output: '' }
  const { report, log } = await carriedOut({ 'npm run build': [killed, killed] })
  expect(log).toEqual(['npm ci', 'npm run build', 'npm run build (one job)'])
  expect(report).toMatchObject({ result: 'failed', failure: 'out-of-memory', elsewhere: true })
})

test('a test that fails and then passes unchanged is said to be flaky', async () => {
  const { report } = await carriedOut({ 'npm test': [{ exitCode: 1, output: '1 failed' }] })
  expect(report).toMatchObject({ result: 'succeeded', flaky: true })
  const twice = await carriedOut({
    'npm test': [
      { exitCode: 1, output: '1 failed' },
      { exitCode: 1, output: '1 failed' },
    ],
  })
  expect(twice.report).toMatchObject({ result: 'failed', failure: 'test' })
})
