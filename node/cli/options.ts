// Reads the values of options: a wrong one is refused here, with the option's name and the cure, before anything runs.
import { parseDuration } from '../kernel/durations.ts'
import { NimbusError } from '../kernel/errors.ts'

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
