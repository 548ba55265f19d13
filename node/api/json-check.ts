// Looks over JSON text before it is parsed: depth, duplicate keys and `__proto__`, which JSON.parse lets through. It
// reads each character once and allocates only the keys of the objects that are open.
import { JSON_DEPTH_MAX } from '../../protocols/limits.ts'

const QUOTE = 34
const BACKSLASH = 92

/** @returns what is wrong, or undefined; text that is not JSON at all is left for JSON.parse to refuse. */
export function flawOfJson(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [] // the keys seen of each open object; undefined for an array
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at)
      const keys = open.at(-1)
      if (keys !== undefined && isKey(text, end)) {
        const flaw = flawOfKey(text.slice(at, end), keys)
        if (flaw !== undefined) return flaw
      }
      at = end - 1
    } else if (code === 123 || code === 91) {
      if (open.length === JSON_DEPTH_MAX) return `it is nested deeper than ${JSON_DEPTH_MAX} levels`
      open.push(code === 123 ? new Set() : undefined)
    } else if (code === 125 || code === 93) open.pop()
  }
  return undefined
}

/** The place after the closing quote. */
export function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE) return at + 1
  }
  return text.length
}

function isKey(text: string, end: number): boolean {
  let at = end
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at++
  return text.charAt(at) === ':'
}

function flawOfKey(quoted: string, keys: Set<string>): string | undefined {
  let key: string
  try {
    key = JSON.parse(quoted) as string
  } catch {
    return undefined // not JSON: the parser says so better
  }
  if (key === '__proto__') return 'the key "__proto__" is not allowed'
  if (keys.has(key)) return `the key ${JSON.stringify(key.slice(0, 100))} is there twice`
  keys.add(key)
  return undefined
}
