// Reads `K=V` words.
import { NimbusError } from '../kernel/errors.ts'

export function parsePairs(words: readonly string[] | undefined, option: string): Record<string, string> | undefined {
  if (words === undefined) return undefined
  const pairs = words.map((word) => {
    const at = word.indexOf('=')
    if (at < 1) throw new NimbusError('usage', `${option} ${JSON.stringify(word)} is not K=V.`, { kind: 'usage', cure: `Write it as ${option} name=value.` })
    return [word.slice(0, at), word.slice(at + 1)] as const
  })
  return Object.fromEntries(pairs)
}
