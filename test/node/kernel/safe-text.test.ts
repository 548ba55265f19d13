import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { safe, safeLines } from '../../../node/kernel/safe-text.ts'

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const HARMFUL = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/

describe('safe text', () => {
  it('has no control character, whatever goes in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(safe(text)).not.toMatch(HARMFUL)
      }),
    )
  })

  it('has no half of a surrogate pair', () => {
    expect(safe('a\ud800b').isWellFormed()).toBe(true)
  })

  it.each([
    ['clears the screen', '\u001b[2J'],
    ['sets the title', '\u001b]0;x\u0007'],
    ['writes the clipboard', '\u001b]52;c;aGk=\u0007'],
    ['8-bit CSI', '\u009b31m'],
    ['overwrites the line', 'good\rbad'],
    ['backspaces', 'a\bb'],
    ['reorders', 'x\u202egnp.exe'],
    ['hides', 'ad\u200bmin'],
    ['forges a line', 'a\nroot: ok'],
  ])('shows a text that %s as inert', (_name, text) => {
    expect(safe(text)).not.toMatch(HARMFUL)
    expect(safe(text)).not.toContain('\n')
  })

  it('leaves ordinary text of any script alone', () => {
    for (const text of ['Grüße, 世界', 'naïve café', 'e\u0301', '𝒳 ✓', 'שלום']) expect(safe(text)).toBe(text)
  })

  it('keeps lines where lines are wanted', () => {
    expect(safeLines('a\tb\r\nc\n')).toBe('a\tb\nc\n')
  })
})
