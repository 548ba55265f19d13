// What a build asks of a worker's machine: tools, and which versions of them, in the words of the repository's own files. A version
// is met as its ecosystem means it; words that name no number (`stable`, `lts/*`) are met by any.
import * as z from 'zod'

export const TOOL_NEEDS_MAX = 16
/** Tools that one worker tells of. */
export const TOOLS_MAX = 64
const TOOL_WORD_MAX = 64

export const toolNeed = z.looseObject({
  name: z.string().min(1).max(TOOL_WORD_MAX),
  version: z.string().max(TOOL_WORD_MAX).optional(),
  /** The file that asks for it. */
  reason: z.string().max(200).optional(),
})
export type ToolNeed = z.infer<typeof toolNeed>

/** In place of a version: the tool is there, and Nimbus does not know how to ask it for one. */
export const ANY_VERSION = '*'

/** By name; empty text where the version is not known yet. */
export const toolVersions = z
  .record(z.string().min(1).max(TOOL_WORD_MAX), z.string().max(TOOL_WORD_MAX))
  .refine((tools) => Object.keys(tools).length <= TOOLS_MAX, `more than ${TOOLS_MAX} tools`)
export type ToolVersions = z.infer<typeof toolVersions>

/** `unknown`: it is there, in a version that nobody has looked at. */
export function meetsNeed({ name, version }: ToolNeed, tools: Readonly<ToolVersions>): 'yes' | 'no' | 'unknown' {
  const has = Object.hasOwn(tools, name) ? tools[name] : undefined
  if (has === undefined) return 'no'
  if (version === undefined || !/\d/.test(version) || has === ANY_VERSION) return 'yes'
  if (has === '') return 'unknown'
  return meetsRange(has, version) ? 'yes' : 'no'
}

/**
 * @param version numbers with dots, such as `24.1.0`
 * @param range `>=1.22`, `^20 || >=22`, `>=3.9,<4`, `~> 3.2`, `24`, `3.11.7`. A bare version is met by its own and later patches of the
 * same minor version: a repository that pins a patch asks for its fixes, not for its faults.
 */
export function meetsRange(version: string, range: string): boolean {
  const has = numbersOf(version)
  if (has.length === 0) return false
  return range.split('||').some((part) => {
    const hyphen = /^\s*v?([\d.]+)\s+-\s+v?([\d.]+)\s*$/.exec(part)
    if (hyphen !== null) return meetsOne(has, '>=', hyphen[1] ?? '') && meetsOne(has, '<=', hyphen[2] ?? '')
    const words = [...part.matchAll(/(>=|<=|===?|!=|~=|~>|[<>^~=])?\s*v?(\d[\w.*+-]*|\*|x)/gi)]
    return words.every(([, operator = '', wanted = '']) => meetsOne(has, operator, wanted))
  })
}

function meetsOne(has: readonly number[], operator: string, text: string): boolean {
  const wanted = numbersOf(text)
  if (wanted.length === 0) return true
  const order = compare(has, wanted)
  switch (operator) {
    case '>=':
      return order >= 0
    case '>':
      return order > 0 && !startsWith(has, wanted)
    case '<':
      return order < 0
    case '<=':
      return order < 0 || startsWith(has, wanted)
    case '!=':
      return !startsWith(has, wanted)
    case '=':
    case '==':
    case '===':
      return startsWith(has, wanted)
    // The first number that is not zero stays.
    case '^': {
      const kept = Math.max(1, wanted.findIndex((number) => number > 0) + 1)
      return order >= 0 && startsWith(has, wanted.slice(0, kept))
    }
    case '~':
      return order >= 0 && startsWith(has, wanted.slice(0, 2))
    // The last number named may grow.
    case '~>':
    case '~=':
      return order >= 0 && startsWith(has, wanted.slice(0, Math.max(1, wanted.length - 1)))
    default:
      return order >= 0 && startsWith(has, wanted.slice(0, 2))
  }
}

function numbersOf(text: string): number[] {
  const numbers: number[] = []
  for (const part of (/\d[\d.x*]*/i.exec(text)?.[0] ?? '').split('.')) {
    if (!/^\d{1,9}$/.test(part)) break
    numbers.push(Number(part))
  }
  return numbers
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function startsWith(has: readonly number[], wanted: readonly number[]): boolean {
  return wanted.every((number, at) => (has[at] ?? 0) === number)
}
