// A command as people write it and as a task carries it: split like a shell splits, quote so that it splits back.
// Nothing is expanded; what only a shell can do is named, so that the form can offer one.

export type CommandWords = {
  argv: string[]
  /** Why this cannot be split: a quote that does not end, a trailing backslash. */
  problem?: string
  /** The first unquoted character that only a shell would understand. */
  shellFeature?: string
}

const SHELL_ONLY = new Set(['|', '&', ';', '<', '>', '$', '*', '?', '`', '~', '#'])

export function splitCommand(text: string): CommandWords {
  const argv: string[] = []
  let word: string | undefined
  let quote = ''
  let shellFeature: string | undefined
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string
    if (quote === "'" ? character !== "'" : quote === '"' && character !== '"') {
      const escapes = quote === '"' && character === '\\' && /["\\$`]/.test(text[at + 1] ?? '')
      if (escapes) at += 1
      word += escapes ? (text[at] as string) : character
      if (quote === '"' && !escapes && (character === '$' || character === '`')) shellFeature ??= character
    } else if (quote !== '') {
      quote = ''
    } else if (character === "'" || character === '"') {
      quote = character
      word ??= ''
    } else if (character === '\\') {
      if (at + 1 >= text.length) return { argv, problem: 'the command ends with a backslash' }
      at += 1
      word = (word ?? '') + text[at]
    } else if (/\s/.test(character)) {
      if (word !== undefined) argv.push(word)
      word = undefined
    } else {
      const startsWord = word === undefined
      if (SHELL_ONLY.has(character) && ((character !== '#' && character !== '~') || startsWord)) shellFeature ??= character
      word = (word ?? '') + character
    }
  }
  if (quote !== '') return { argv, problem: `a ${quote} is opened and not closed` }
  if (word !== undefined) argv.push(word)
  return shellFeature === undefined ? { argv } : { argv, shellFeature }
}

export function quoteWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

export function joinCommand(argv: readonly string[]): string {
  return argv.map(quoteWord).join(' ')
}
