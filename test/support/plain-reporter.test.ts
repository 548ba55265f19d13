// The closing line is read by machines: its words are a contract.
import { expect, test } from 'vitest'
import { summaryOf } from './plain-reporter.ts'

test('the summary ends with the counts alone on their line', () => {
  expect(summaryOf({ passed: 12, failed: 1, skipped: [] }, false)).toBe('\n12 passed, 1 failed, 0 skipped\n')
})

test('every skipped test stands on a line of its own, and CI says that it is forbidden', () => {
  const summary = summaryOf({ passed: 2, failed: 0, skipped: ['the lab > heals (needs root)'] }, true)
  expect(summary.trim().split('\n')).toEqual([
    'skipped: the lab > heals (needs root)',
    'CI skips nothing: install what the lines above name, or remove the skip.',
    '2 passed, 0 failed, 1 skipped',
  ])
})
