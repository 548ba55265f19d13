import { expect, test } from 'vitest'
import { ANY_VERSION, meetsNeed, meetsRange } from '../../../protocols/tasks/tool-needs.ts'

test.each<[string, string, boolean]>([
  ['24.1.0', '24', true],
  ['24.1.0', '24.1.0', true],
  ['24.1.3', '24.1.0', true],
  ['24.1.0', '24.1.3', false],
  ['24.2.0', '24.1.0', false],
  ['3.11.7', '3.11', true],
  ['3.12.1', '3.11', false],
  ['1.26.8', '>=1.22', true],
  ['1.19', '>=1.22', false],
  ['22.4.0', '^20 || >=22', true],
  ['21.4.0', '^20 || >=22', false],
  ['3.11.7', '>=3.9,<4', true],
  ['4.0.0', '>=3.9,<4', false],
  ['3.3.1', '~> 3.2', true],
  ['4.0.0', '~> 3.2', false],
  ['3.2.9', '~=3.2.1', true],
  ['3.3.0', '~=3.2.1', false],
  ['20.10.0', '18 - 20', true],
  ['21.0.0', '18 - 20', false],
  ['20.10.0', '20.x', true],
  ['0.3.4', '^0.3.1', true],
  ['0.4.0', '^0.3.1', false],
  ['18.0.0', '>18', false],
  ['3.11.7', '!=3.10', true],
])('version %s against %s: %s', (version, range, met) => {
  expect(meetsRange(version, range)).toBe(met)
})

test('a tool that is not there, whose version is not known yet, or that no version is asked of', () => {
  expect(meetsNeed({ name: 'go' }, {})).toBe('no')
  expect(meetsNeed({ name: 'toString' }, {})).toBe('no')
  expect(meetsNeed({ name: 'go' }, { go: '' })).toBe('yes')
  expect(meetsNeed({ name: 'go', version: '>=1.22' }, { go: '' })).toBe('unknown')
  expect(meetsNeed({ name: 'cargo', version: 'stable' }, { cargo: '1.80.0' })).toBe('yes')
  expect(meetsNeed({ name: 'hugo', version: '0.120' }, { hugo: ANY_VERSION })).toBe('yes')
})
