// The lines that a session's host writes, read from the log of its attempt while it grows.
import { StringDecoder } from 'node:string_decoder'
import { SESSION_LINE_MAX } from '../../protocols/limits.ts'
import { type LogFollow, readLog, STDOUT } from '../runner/output-log.ts'

/** Settles when the run has ended and all was read; `at` is the byte of the output where the line begins. */
export async function readHostLines(logFile: string, follow: LogFollow, onLine: (line: string, at: number) => void): Promise<void> {
  let decoder = new StringDecoder('utf8')
  let rest = ''
  let restAt = 0
  let tooLong = false
  for await (const { stream, offset, bytes } of readLog(logFile, { from: 0, follow })) {
    if (stream !== STDOUT) continue
    let start = 0
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      const line = rest + decoder.write(Buffer.from(bytes.subarray(start, end)))
      if (!tooLong && line.length <= SESSION_LINE_MAX) onLine(line, rest === '' ? offset + start : restAt)
      rest = ''
      tooLong = false
      decoder = new StringDecoder('utf8')
      start = end + 1
    }
    if (start === bytes.length) continue
    if (rest === '') restAt = offset + start
    rest += decoder.write(Buffer.from(bytes.subarray(start)))
    if (rest.length <= SESSION_LINE_MAX) continue
    tooLong = true
    rest = ' '
  }
}
