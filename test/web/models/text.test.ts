import { describe, expect, test } from 'vitest'
import { joinCommand, splitCommand } from '../../../web/src/models/text/command-words.ts'
import { ageText, bytesText, durationText } from '../../../web/src/models/text/durations.ts'
import { inertText } from '../../../web/src/models/text/inert-text.ts'

describe('a command line', () => {
  test.each([
    ['npm test', ['npm', 'test']],
    [`grep -n 'two words' "a \\"b\\"" c\\ d`, ['grep', '-n', 'two words', 'a "b"', 'c d']],
    [`echo '' x""y`, ['echo', '', 'xy']],
    ['  spaced\n out ', ['spaced', 'out']],
  ])('%j splits as a shell splits it', (text, argv) => {
    expect(splitCommand(text)).toEqual({ argv })
  })

  test.each(['a | b', 'echo $HOME', 'ls *.ts', 'x > out', 'a && b', 'echo "$PATH"', 'ls ~'])(
    '%j names the character that only a shell understands',
    (text) => {
      expect(splitCommand(text).shellFeature).toBeDefined()
    },
  )

  test('quoted shell characters are plain words', () => {
    expect(splitCommand(`node -e 'a | $b'`)).toEqual({ argv: ['node', '-e', 'a | $b'] })
  })

  test('a quote that does not end is said', () => {
    expect(splitCommand(`echo "a`).problem).toBe('a " is opened and not closed')
    expect(splitCommand('echo \\').problem).toBe('the command ends with a backslash')
  })

  test('what is joined splits back into the same words', () => {
    const argv = ['sh', '-c', `echo "it's" | wc`, '', 'a b', '--x=1', 'ö\n', '#no', '*']
    expect(splitCommand(joinCommand(argv))).toEqual({ argv })
  })
})

describe('text of unknown origin', () => {
  test.each([
    ['\u001b[1;31mred\u001b[0m', 'red'],
    ['\u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007', 'link'],
    ['\u001b]52;c;aGk=\u001b\\after', 'after'],
    ['\u009b2Jgone', 'gone'],
    ['10 %\r50 %\r100 %\r', '100 %'],
    ['a\u202eb\u2066c', 'a·b·c'],
    ['bell\u0007 and\u0000 nul\u007f', 'bell and nul'],
    ['tab\tstays <b>', 'tab\tstays <b>'],
    ['\u001b', ''],
  ])('%j shows as %j', (raw, shown) => {
    expect(inertText(raw)).toBe(shown)
  })
})

test('times and sizes read in short words', () => {
  expect([durationText(420), durationText(4_200), durationText(65_000), durationText(7_380_000), ageText(500), ageText(90_000)]).toEqual([
    '420 ms',
    '4.2 s',
    '1 min 5 s',
    '2 h 3 min',
    'now',
    '1 min',
  ])
  expect([bytesText(12), bytesText(1_536), bytesText(20 * 1024 * 1024)]).toEqual(['12 B', '1.5 kB', '20 MB'])
})
