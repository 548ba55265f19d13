import { expect, test } from 'vitest'
import type { Ended, FailureClass } from '../../../../node/builds/run/classify.ts'
import { classify, nextRecovery } from '../../../../node/builds/run/classify.ts'

const CASES: readonly (readonly [FailureClass, Partial<Ended>])[] = [
  ['network', { phase: 'install', output: 'npm error code ECONNREFUSED\nnpm error syscall connect' }],
  ['network', { phase: 'install', output: 'error: failed to download from `https://index.crates.io/config.json`' }],
  ['network', { phase: 'install', output: 'fatal: unable to access: Could not resolve host: github.com' }],
  [
    'lockfile',
    {
      phase: 'install',
      output:
        'npm error code EUSAGE\nnpm error `npm ci` can only install packages when your package.json and package-lock.json are in sync',
    },
  ],
  ['lockfile', { phase: 'install', output: 'ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile"' }],
  [
    'lockfile',
    { phase: 'install', output: 'error: the lock file /w/Cargo.lock needs to be updated but --locked was passed to prevent this' },
  ],
  ['stale-cache', { phase: 'install', output: 'npm error code EINTEGRITY\nnpm error sha512-a integrity checksum failed' }],
  ['missing-tool', { phase: 'build', exitCode: 127, output: 'sh: 1: tsc: not found' }],
  ['missing-tool', { phase: 'build', output: 'error: package `x` cannot be built because it requires rustc 1.90 or newer' }],
  [
    'out-of-memory',
    { phase: 'build', exitCode: 134, output: 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory' },
  ],
  ['out-of-memory', { phase: 'build', signal: 'SIGKILL', output: 'cc1plus' }],
  ['out-of-memory', { phase: 'test', outOfMemory: true, output: '' }],
  ['disk-full', { phase: 'build', output: 'Error: ENOSPC: no space left on device, write' }],
  ['timed-out', { phase: 'test', timedOut: true, output: 'ECONNREFUSED' }],
  ['test', { phase: 'test', exitCode: 1, output: ' Tests  1 failed | 12 passed (13)' }],
  ['test', { phase: 'test', exitCode: 101, output: 'test result: FAILED. 1 passed; 1 failed' }],
  ['compile', { phase: 'build', exitCode: 2, output: "src/a.ts(1,7): error TS2322: Type 'string' is not assignable" }],
  ['compile', { phase: 'build', exitCode: 101, output: 'error[E0308]: mismatched types' }],
  ['unknown', { phase: 'build', exitCode: 3, output: 'something else' }],
]

test.each(CASES)('a failure of class %s is told from %j', (failure, ended) => {
  const diagnosis = classify({ phase: 'build', output: '', ...ended })
  expect(diagnosis.failure).toBe(failure)
  expect(diagnosis.reason).not.toBe('')
})

test('a build that fails in ever new ways ends', () => {
  const tried: { failure: FailureClass; recovery: ReturnType<typeof nextRecovery> }[] = []
  const classes: FailureClass[] = ['network', 'lockfile', 'stale-cache', 'out-of-memory', 'compile', 'disk-full', 'unknown']
  for (const failure of classes) {
    const recovery = nextRecovery(failure, tried)
    if (recovery === 'give-up') break
    tried.push({ failure, recovery })
  }
  expect(tried).toHaveLength(5)
  expect(nextRecovery('network', tried)).toBe('give-up')
})

test('what cannot be cured is not tried again', () => {
  expect(nextRecovery('compile', [])).toBe('clean-build')
  expect(nextRecovery('compile', [{ failure: 'compile', recovery: 'clean-build' }])).toBe('give-up')
})
