// What a writer types, without what only a terminal says: answers to questions about itself. The mirror has answered them already; a
// second answer would be typed into the program, and a page of output could make a reader's terminal say anything.

// Device attributes, status and version (c n x y t u after ? > or alone), DCS, OSC, APC, PM and SOS strings, cursor reports. F3 with a
// modifier looks like a cursor report of the first row: ESC [ 1 ; 2-8 R stays.
const STRINGS = /(?:\x1b[P\]X^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)/g
const REPORTS = /(?:\x1b\[|\x9b)(?:[?>=][\d;]*(?:[cnuR]|\$y)|[\d;]*(?:[cnxt]|\$y)|(?!1;[2-8]R)\d+;\d+R)/g

export function withoutReplies(text: string): string {
  return text.includes('\x1b') || /[\x80-\x9f]/.test(text) ? text.replace(STRINGS, '').replace(REPORTS, '') : text
}
