// Makes foreign text harmless to look at: no escape sequence, no overwriting, no reordering. For every table, title and
// line that a person reads. It never shortens and never throws.

// C0 without tab and newline, DEL, C1; line and paragraph separators; bidi controls; zero-width and interlinear marks; tags.
const HARMFUL =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu
const BREAKS = /[\t\n]/g

/** One line of inert text: each harmful character and each lone surrogate becomes a visible mark, breaks become spaces. */
export function safe(text: string): string {
  return safeLines(text).replace(BREAKS, ' ')
}

/** Inert text that keeps its tabs and line feeds: for output that is shown as it came. */
export function safeLines(text: string): string {
  return text.toWellFormed().replace(/\r\n/g, '\n').replace(HARMFUL, visible)
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0
  // The control pictures block shows C0 as one narrow glyph each; everything else becomes a middle dot.
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  return code === 0x7f ? '\u2421' : '\u00b7'
}
