// Lines of a task's output as nodes ask each other for them and as REST gives them out: by number, by a text, or the last ones.
import * as z from 'zod'
import { bytesUpTo } from '../bytes.ts'

/** Longer lines come cut; a search looks into all of them. */
export const LINE_BYTES_MAX = 4 * 1024
/** Lines, or lines with a hit, that one question asks for. */
export const LINES_MAX = 2_000
export const LINE_CONTEXT_MAX = 20
export const LINE_TEXT_MAX = 200
/** Lines in one frame of an answer. */
export const LINES_A_FRAME = 48
/** Tasks whose lines are read together. */
export const LINE_SOURCES_MAX = 24

/** With `tail` the last lines, else those from line `from` on; with `q` those that hold it, and `context` neighbours. */
export const linesAsked = {
  from: z.int().min(1),
  limit: z.int().min(1).max(LINES_MAX),
  tail: z.int().min(1).max(LINES_MAX).optional(),
  q: z.string().min(1).max(LINE_TEXT_MAX).optional(),
  context: z.int().min(0).max(LINE_CONTEXT_MAX),
}

/** `line` counts from 1; `offset` and `size` in bytes, of the whole line; `stream`: 1 stdout, 2 stderr, 3 Nimbus itself. */
export const wireLine = z.looseObject({
  line: z.int().min(1),
  offset: z.int().min(0),
  stream: z.int().min(1).max(3),
  time: z.number(),
  bytes: bytesUpTo(LINE_BYTES_MAX),
  size: z.int().min(0),
  hit: z.boolean(),
})

/** How far was read. `next`: the line to go on from where the limit was reached. `open`: lines that have not ended yet. */
export const wireMark = {
  lines: z.int().min(0),
  bytes: z.int().min(0),
  next: z.int().min(1).nullable(),
  open: z.array(wireLine).max(3),
}
