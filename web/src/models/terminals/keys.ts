// The keys that a phone lacks, as what a terminal sends for them. Pure.

export type KeyName = 'Esc' | 'Tab' | '↑' | '↓' | '←' | '→' | 'Home' | 'End' | 'PgUp' | 'PgDn'

const FIXED: Partial<Record<KeyName, string>> = { Esc: '\x1b', Tab: '\t', PgUp: '\x1b[5~', PgDn: '\x1b[6~' }
const CURSOR: Partial<Record<KeyName, string>> = { '↑': 'A', '↓': 'B', '→': 'C', '←': 'D', Home: 'H', End: 'F' }

/** @param application the program asked for the other form of cursor keys */
export function keyText(key: KeyName, application: boolean): string {
  return FIXED[key] ?? `${application ? '\x1bO' : '\x1b['}${CURSOR[key]}`
}

/** What was typed while Ctrl or Alt of the key bar was on: they count for its first character. */
export function withModifiers(text: string, { ctrl, alt }: { ctrl: boolean; alt: boolean }): string {
  const first = text[0] ?? ''
  const control =
    first === ' ' ? '\0' : first === '?' ? '\x7f' : /[@-_a-z]/.test(first) ? String.fromCharCode(first.charCodeAt(0) & 0x1f) : first
  return (alt ? '\x1b' : '') + (ctrl ? control : first) + text.slice(1)
}
