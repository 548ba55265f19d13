// The one query language of lists, boards, addresses and `--filter`: words that must all hold, `key:value`, `key:a,b` for any
// of them, `-` before a word for not, quotes around what is meant as it stands.

/** What a key compares: text (`*` stands for anything), one of a few words, a number, or a duration as `15m`. */
export type FilterKey = 'text' | 'number' | 'duration' | readonly string[]
export type FilterKeys = Readonly<Record<string, FilterKey>>

/** What is known of one item. A key has any number of values; durations are milliseconds. */
export type Facts = { text(): string; of(key: string): readonly (string | number)[] }
export type Filter = {
  /** How many words it has; nothing is asked where there are none. */
  size: number
  matches(facts: Facts): boolean
}

export const FILTER_CHARS_MAX = 500
const TERMS_MAX = 20
const VALUES_MAX = 50

/** Why a text is no filter: `message` says where, `cure` what to write. */
export class FilterFlaw extends Error {
  readonly cure: string
  constructor(message: string, cure: string) {
    super(message)
    this.name = 'FilterFlaw'
    this.cure = cure
  }
}

type Test = (facts: Facts) => boolean
type Word = { not: boolean; key: string | undefined; values: string[]; shown: string }

/** @throws FilterFlaw */
export function parseFilter(text: string, keys: FilterKeys): Filter {
  if (text.length > FILTER_CHARS_MAX)
    throw new FilterFlaw(`The filter has ${text.length} characters, more than ${FILTER_CHARS_MAX}.`, 'Use fewer words.')
  const words = wordsOf(text)
  if (words.length > TERMS_MAX) throw new FilterFlaw(`The filter has ${words.length} words, more than ${TERMS_MAX}.`, 'Use fewer words.')
  const tests = words.map((word) => testOf(word, keys))
  return { size: tests.length, matches: (facts) => tests.every((test) => test(facts)) }
}

/** This text as it stands, as one word of a filter. */
export function filterPhrase(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** What `--search` and `--filter` say together; empty where neither is given. */
export function joinFilters(search: unknown, filter: unknown): string {
  return [typeof search === 'string' ? filterPhrase(search) : '', typeof filter === 'string' ? filter : ''].join(' ').trim()
}

function wordsOf(text: string): Word[] {
  const words: Word[] = []
  let at = 0
  for (;;) {
    while (/\s/.test(text[at] ?? '')) at++
    if (at >= text.length) return words
    const start = at
    const not = text[at] === '-' && at + 1 < text.length && !/\s/.test(text[at + 1] ?? '')
    if (not) at++
    const named = /^([a-z]+):(?!\/\/)/.exec(text.slice(at))
    at += named?.[0].length ?? 0
    const values: string[] = []
    do {
      if (text[at] === ',') at++
      const value = valueAt(text, at, named !== null)
      values.push(value.text)
      at = value.end
    } while (named !== null && text[at] === ',')
    words.push({ not, key: named?.[1], values, shown: text.slice(start, at) })
  }
}

function valueAt(text: string, start: number, inList: boolean): { text: string; end: number } {
  let at = start
  let value = ''
  while (at < text.length && !/\s/.test(text[at] ?? '') && !(inList && text[at] === ',')) {
    if (text[at] !== '"') {
      value += text[at++]
      continue
    }
    const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(text.slice(at))
    if (quoted === null) throw new FilterFlaw(`The quote at character ${at + 1} has no end.`, 'Close it with ".')
    value += (quoted[1] ?? '').replace(/\\(.)/g, '$1')
    at += quoted[0].length
  }
  return { text: value, end: at }
}

function testOf(word: Word, keys: FilterKeys): Test {
  const test = word.key === undefined ? mentions(word.values[0] ?? '') : keyed(word, word.key, keys)
  return word.not ? (facts) => !test(facts) : test
}

function mentions(text: string): Test {
  const wanted = text.toLowerCase()
  return (facts) => facts.text().includes(wanted)
}

function keyed({ values, shown }: Word, key: string, keys: FilterKeys): Test {
  const kind = Object.hasOwn(keys, key) ? keys[key] : undefined
  if (kind === undefined)
    throw new FilterFlaw(
      `This list has no key ${key}.`,
      `Use one of ${Object.keys(keys).join(', ')}; put "${shown}" into quotes to look for it as text.`,
    )
  if (values.some((value) => value === '')) throw new FilterFlaw(`${key}: has no value.`, `Write ${key}:VALUE, without a blank.`)
  if (values.length > VALUES_MAX) throw new FilterFlaw(`${key}: has more than ${VALUES_MAX} values.`, 'Name fewer.')
  const tests = values.map((value) => (kind === 'number' || kind === 'duration' ? measured(key, value, kind) : worded(key, value, kind)))
  return (facts) => {
    const found = facts.of(key)
    return tests.some((test) => found.some(test))
  }
}

function worded(key: string, value: string, kind: 'text' | readonly string[]): (found: string | number) => boolean {
  const wanted = value.toLowerCase()
  if (kind !== 'text') {
    if (!kind.includes(wanted)) throw new FilterFlaw(`${key}: does not know ${value.slice(0, 60)}.`, `Use one of ${kind.join(', ')}.`)
    return (found) => found === wanted
  }
  // No pattern is built from what somebody typed: the pieces between the stars are looked for in their order.
  const pieces = wanted.split('*')
  return (found) => fits(String(found).toLowerCase(), pieces)
}

function fits(text: string, pieces: readonly string[]): boolean {
  const [first = '', ...more] = pieces
  if (more.length === 0) return text === first
  const last = more.pop() ?? ''
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false
  let at = first.length
  for (const piece of more) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return at <= text.length - last.length
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function measured(key: string, value: string, kind: 'number' | 'duration'): (found: string | number) => boolean {
  const [, sign = '', digits = '', unit = ''] = /^(>=|<=|>|<|)(-?\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h|d|)$/.exec(value) ?? []
  if (digits === '' || (kind === 'duration') !== (unit !== ''))
    throw new FilterFlaw(
      `${key}: cannot be compared with ${value.slice(0, 60)}.`,
      kind === 'number' ? `Write a number, as ${key}:>=5.` : `Write a duration, as ${key}:<15m.`,
    )
  const wanted = Number(digits) * (UNIT_MS[unit] ?? 1)
  const compare: Record<string, (found: number) => boolean> = {
    '': (found) => found === wanted,
    '>': (found) => found > wanted,
    '<': (found) => found < wanted,
    '>=': (found) => found >= wanted,
    '<=': (found) => found <= wanted,
  }
  const test = compare[sign] ?? (() => false)
  return (found) => test(Number(found))
}
