// A requirement never hides: absent it says why and how to install, and in CI it is an error.
import { afterEach, expect, test, vi } from 'vitest'
import { requirement } from './requirements.ts'

afterEach(() => vi.unstubAllEnvs())

test('a present requirement gives its path and leaves the title alone', () => {
  const git = requirement('git')
  expect(git).toMatchObject({ present: true, reason: '' })
  expect(git.path).toMatch(/git$/)
  expect(git.title('cloning')).toBe('cloning')
})

test('an absent requirement puts its reason and the install line in the title', () => {
  vi.stubEnv('PATH', '')
  vi.stubEnv('CI', '')
  const chromium = requirement('chromium')
  expect(chromium.present).toBe(false)
  expect(chromium.title('the dashboard')).toBe('the dashboard [skipped: chromium is not on the PATH; install: apt-get install chromium]')
})

test('an absent requirement is an error in CI', () => {
  vi.stubEnv('PATH', '')
  vi.stubEnv('CI', 'true')
  expect(() => requirement('cargo')).toThrow(
    '"cargo" is missing in CI, where nothing is skipped, because cargo is not on the PATH. Install it in .ci/run: apt-get install cargo',
  )
})
