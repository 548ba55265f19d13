// What a schema found, in words that a person can act on: "must be at most 9, not 12". Messages that a schema brings
// itself go before these. Repeats numbers only, never foreign text.
import type * as z from 'zod'

type Issue = z.core.$ZodRawIssue

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
  nan: 'a number without value',
}
const UNITS: Record<string, string> = { string: 'character', array: 'item', object: 'key', record: 'key' }

/** For the `error` option of a parse; undefined leaves the words to zod. */
export function issueWords(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${KINDS[issue.expected] ?? issue.expected}, not ${kindOf(issue.input)}`
    case 'too_big':
      return limit('at most', issue.maximum, issue)
    case 'too_small':
      return issue.origin === 'string' && issue.minimum === 1 ? 'must not be empty' : limit('at least', issue.minimum, issue)
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'invalid_format':
      return issue.format === 'url' ? 'must be an http or https address' : undefined
    case 'invalid_union':
      // The form that was meant is the one whose type fits: its own words say what is wrong with the value.
      return issue.errors.flatMap((found) => (found[0] === undefined || found[0].code === 'invalid_type' ? [] : [found[0].message]))[0]
    default:
      return undefined
  }
}

function limit(word: string, bound: number | bigint, issue: { origin: string; input?: unknown }): string {
  const unit = UNITS[issue.origin]
  if (unit !== undefined) return `must have ${word} ${bound} ${unit}${bound === 1 ? '' : 's'}`
  return `must be ${word} ${bound}${typeof issue.input === 'number' ? `, not ${issue.input}` : ''}`
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'a number beyond all bounds'
  return KINDS[typeof value] ?? typeof value
}
