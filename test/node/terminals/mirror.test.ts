// The copy of a terminal against a reference emulator that was fed with the raw bytes: random streams, cut anywhere.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMirror } from '../../../node/runner/terminal/mirror.ts'
import { cellsOf, drawn, referenceTerminal } from './cells.ts'

/** The same streams each time; others, and more of them, for a night: MIRROR_RUNS=20000 MIRROR_SEED=$RANDOM. */
const RUNS = Number(process.env['MIRROR_RUNS'] ?? 200)
const SEED = Number(process.env['MIRROR_SEED'] ?? 26)
const LONG_MS = 60_000 + RUNS * 100
const SIZE = { cols: 20, rows: 6 }
const number = fc.integer({ min: 0, max: 22 })
// Left out: `CSI b`, because which character it repeats is nowhere but in xterm. After a cursor is restored, a character set is chosen:
// xterm forgets which of the four it had, and so may a copy.
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: fc.constantFrom('a', 'b', 'x', 'y', ' '), maxLength: 30 }) },
  { weight: 2, arbitrary: fc.constantFrom('\r\n', '\n', '\r', '\b', '\t', '\x1bM', '\x1bD', '\x1bE') },
  fc.constantFrom('日本語', 'e\u0301', 'üß', '👍', 'ｗｉｄｅ'),
  fc.tuple(number, number).map(([y, x]) => `\x1b[${y};${x}H`),
  fc.tuple(number, fc.constantFrom(...'A B C D E F G X P L M @ S T d'.split(' '))).map(([n, final]) => `\x1b[${n}${final}`),
  fc.constantFrom('\x1b[J', '\x1b[1J', '\x1b[2J', '\x1b[K', '\x1b[1K', '\x1b[2K'),
  fc
    .array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 30, max: 47 }), fc.integer({ min: 90, max: 107 })), { maxLength: 3 })
    .map((codes) => `\x1b[${codes.join(';')}m`),
  fc.constantFrom('\x1b[38;5;200m', '\x1b[48;2;1;2;3m', '\x1b[4:3m', '\x1b[58:5:9m', '\x1b[53m', '\x1b[m'),
  fc.constantFrom('\x1b[?1049h', '\x1b[?1049l\x1b(B\x0f', '\x1b[?47h', '\x1b[?47l', '\x1b7', '\x1b8\x1b(B\x0f'),
  fc.constantFrom(
    '\x1b[?1h',
    '\x1b[?7l',
    '\x1b[?7h',
    '\x1b[?25l',
    '\x1b[?2004h',
    '\x1b[?1002h',
    '\x1b[?1006h',
    '\x1b=',
    '\x1b[4h',
    '\x1b[4l',
  ),
  fc.constantFrom('\x1b(0lqqk\x1b(B', '\x1b(0', '\x1b(B', '\x0e', '\x0f', '\x1b)0', '\x1bH', '\x1b[g', '\x1b[3g'),
  fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 4, max: 6 })).map(([top, bottom]) => `\x1b[${top};${bottom}r`),
  fc.constantFrom('\x1b[r', '\x1b[?6h', '\x1b[?6l', '\x1b]2;a title\x07', '\x1b]4;1;rgb:10/20/30\x1b\\', '\x1bPq#0\x1b\\', '\x1b[!p'),
)

const size = fc.record({ cols: fc.integer({ min: 12, max: 30 }), rows: fc.integer({ min: 6, max: 10 }) })
type Step = Uint8Array | { cols?: number; rows: number }

describe('the mirror of a terminal', () => {
  test(
    'a copy and the bytes after it give what all bytes give, wherever it is taken',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(piece, { maxLength: 60 }), fc.nat(), fc.nat({ max: 40 }), async (pieces, cut, chunk) => {
          const bytes = Buffer.from(pieces.join(''))
          const at = bytes.length === 0 ? 0 : cut % bytes.length
          const steps: Step[] = []
          for (let from = 0; from < at; from += chunk + 1) steps.push(bytes.subarray(from, Math.min(at, from + chunk + 1)))
          await compare(steps, [bytes.subarray(at)])
        }),
        { numRuns: RUNS, seed: SEED },
      )
    },
    LONG_MS,
  )

  test(
    'the same where its size changes at any byte',
    async () => {
      const plain = fc.oneof(fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 30 }), fc.constantFrom('\r\n', '\n', '\r'))
      // Over a change of size nothing joins or repeats a character, and no wide one is cut in two: xterm keeps both halves of it.
      const whole = piece.map((text) => text.replace(/\x1b\[\d+b|[^\x00-\x7f]/gu, ''))
      const bytes = fc.oneof(plain, whole).map((text) => Buffer.from(text))
      const step = fc.oneof({ weight: 5, arbitrary: bytes }, { weight: 1, arbitrary: size })
      // Columns that were cut off and come back, and a saved cursor above the screen, are nowhere but in xterm: programs draw anew.
      const restores = /\x1b8|\x1b\[\?1049l/
      const later = fc.oneof(
        { weight: 5, arbitrary: bytes.filter((one) => !restores.test(one.toString())) },
        { weight: 1, arbitrary: size.map(({ rows }) => ({ rows })) },
      )
      await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.array(later, { maxLength: 10 }), compare), {
        numRuns: RUNS,
        seed: SEED,
      })
    },
    LONG_MS,
  )
})

/** The copy is taken between `before` and `after`. */
async function compare(before: readonly Step[], after: readonly Step[]): Promise<void> {
  const mirror = createMirror({ size: SIZE, onReply() {}, onBroken: (error) => expect.fail(String(error)) })
  const whole = referenceTerminal(SIZE)
  for (const step of before) {
    if (step instanceof Uint8Array) mirror.feed(step)
    else mirror.resize({ cols: step.cols ?? mirror.size().cols, rows: step.rows })
  }
  const copy = mirror.copy(Infinity)
  const attached = referenceTerminal(copy.size)
  await drawn(attached, copy.text)
  await drawn(attached, copy.rest)
  for (const step of before) await go(whole, step)
  expect(cellsOf(attached)).toEqual(cellsOf(whole))
  for (const step of after) {
    await go(attached, step)
    await go(whole, step)
  }
  expect(cellsOf(attached)).toEqual(cellsOf(whole))
}

async function go(terminal: ReturnType<typeof referenceTerminal>, step: Step): Promise<void> {
  if (step instanceof Uint8Array) await drawn(terminal, step)
  else terminal.resize(step.cols ?? terminal.cols, step.rows)
}
