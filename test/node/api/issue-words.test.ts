import { expect, it } from 'vitest'
import { taskRequest } from '../../../protocols/http/task-request.ts'
import { check } from '../../../node/api/input.ts'

it.each([
  [{ argv: ['a'], priority: 12 }, 'priority: must be at most 9, not 12.'],
  [{ argv: ['a'], attempts: 0 }, 'attempts: must be at least 1, not 0.'],
  [{ argv: ['a'], attempts: 1.5 }, 'attempts: must be a whole number, not 1.5.'],
  [{ argv: ['a'], attempts: '3' }, 'attempts: must be a number, not text.'],
  [{ argv: 'npm test' }, 'argv: must be a list, not text.'],
  [{ argv: [] }, 'argv: a shell task and a terminal need a command, the other kinds have none.'],
  [{}, 'argv: a shell task and a terminal need a command, the other kinds have none.'],
  [{ argv: ['a'], repo: 'ext::sh' }, 'repo: must be an https, http, ssh or nimbus address.'],
  [{ argv: ['a'], worker: '' }, 'worker: must not be empty.'],
  [{ argv: ['a'], timeout: 'soon' }, 'timeout: a duration such as 500ms 30s 15m 7d.'],
  [{ argv: ['a'], timeout: 0 }, 'timeout: must be at least 1, not 0.'],
  [{ argv: ['a'], kind: 'agent' }, 'kind: must be one of shell, noop, build, terminal.'],
  [{ argv: ['a\0'] }, 'argv.0: no NUL and no lone surrogate.'],
])('%j is refused in words that a person can act on', (body, words) => {
  expect(() => check(taskRequest, body)).toThrow(words)
})
