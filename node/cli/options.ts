// Reads the values of options: a wrong one is refused here, with the option's name and the cure, before anything runs.
import { isTaskId } from '../../protocols/ids.ts'
import { parseDuration } from '../kernel/durations.ts'
import { NimbusError } from '../kernel/errors.ts'

/** As the API: tasks or starts that one key may allow. */
const LIMIT_MAX = 100_000

export function wholeNumber(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) throw wrong(option, text, `a whole number from ${min} to ${max}`)
    return value
  }
}

/** Checks a duration and hands it on as it was written: the API reads the same form. */
export function duration(option: string): (text: string) => string {
  return (text) => {
    if (parseDuration(text) === undefined) throw wrong(option, text, 'a duration such as 500ms, 30s, 15m or 7d')
    return text
  }
}

/** For options that may be given several times. */
export function collect(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text]
}

/** The same for values that are read one by one. */
export function collectAs<Value>(read: (text: string) => Value): (text: string, before: Value[] | undefined) => Value[] {
  return (text, before) => [...(before ?? []), read(text)]
}

export function oneOf(option: string, words: readonly string[]): (text: string) => string {
  return (text) => {
    if (!words.includes(text)) throw wrong(option, text, words.join(' or '))
    return text
  }
}

/** An amount of money or the like, with up to six digits behind the point. */
export function amount(option: string, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= 0 && value <= max)) throw wrong(option, text, `an amount from 0 to ${max}, as 2.50`)
    return value
  }
}

/** `KEY=N`. */
export function countOf(option: string): (text: string) => { key: string; limit: number } {
  return (text) => {
    const [, key, count] = /^(.+)=(\d{1,6})$/s.exec(text) ?? []
    if (key === undefined || !isLimit(count)) throw wrong(option, text, `KEY=N with N from 1 to ${LIMIT_MAX}, as database=2`)
    return { key, limit: Number(count) }
  }
}

/** `KEY=N/D`: N in each time D. */
export function rateOf(option: string): (text: string) => { key: string; limit: number; per: string } {
  return (text) => {
    const [, key, count, per] = /^(.+)=(\d{1,6})\/([^/]+)$/s.exec(text) ?? []
    if (key === undefined || !isLimit(count) || per === undefined || parseDuration(per) === undefined)
      throw wrong(option, text, `KEY=N/D with N from 1 to ${LIMIT_MAX} and D a duration, as mail=10/1m`)
    return { key, limit: Number(count), per }
  }
}

export function taskIdText(option: string): (text: string) => string {
  return (text) => {
    if (!isTaskId(text)) throw wrong(option, text, 'the ID of a task, 26 letters and digits as nimbus task ls shows it')
    return text
  }
}

function isLimit(digits: string | undefined): boolean {
  return Number(digits) >= 1 && Number(digits) <= LIMIT_MAX
}

/** Reads `K=V` words. */
export function parsePairs(words: readonly string[] | undefined, option: string): Record<string, string> | undefined {
  if (words === undefined) return undefined
  const pairs = words.map((word) => {
    const at = word.indexOf('=')
    if (at < 1)
      throw new NimbusError('usage', `${option} ${JSON.stringify(word)} is not K=V.`, {
        kind: 'usage',
        cure: `Write it as ${option} name=value.`,
      })
    return [word.slice(0, at), word.slice(at + 1)] as const
  })
  return Object.fromEntries(pairs)
}

function wrong(option: string, text: string, takes: string): NimbusError {
  return new NimbusError('usage', `${option} is ${JSON.stringify(text.slice(0, 80))}; it takes ${takes}.`, {
    kind: 'usage',
    cure: 'Correct it or leave it out.',
  })
}
