// Makes text of unknown origin harmless to look at: terminal sequences gone, control characters gone, direction
// overrides visible as a dot. The result still goes into text nodes only.

// CSI (ESC [ … letter), strings (ESC ] P X ^ _ … BEL or ESC \), any other two-character escape; the 8-bit CSI too.
const TERMINAL_SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  /\u001b\[[0-?]*[ -/]*[@-~]|\u009b[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]?/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above; tab stays
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Each line by itself. */
export function inertLines(raw: string): string {
  return raw.split('\n').map(inertText).join('\n')
}

/** One line. A carriage return begins the line anew, as in a terminal: what a progress bar shows last stays. */
export function inertText(raw: string): string {
  const plain = raw.replace(TERMINAL_SEQUENCE, '').replace(/\r+$/, '')
  const last = plain.slice(plain.lastIndexOf('\r') + 1)
  return last.replace(CONTROL, '').replace(DIRECTION, '·')
}
