// Secrets leave the output wherever they are cut, and nothing else does.
import { expect, test } from 'vitest'
import { createMask } from '../../../node/runner/guardian/mask.ts'

function through(secrets: readonly string[], pieces: readonly string[]): string {
  const mask = createMask(secrets)
  return Buffer.concat([...pieces.map((piece) => mask.take(Buffer.from(piece))), mask.rest()]).toString()
}

test.each([
  [['secret'], ['a secret, secret'], 'a ***, ***'],
  [['secret'], ['a sec', 'ret.'], 'a ***.'],
  [['secret'], Array.from('one secret and a sec'), 'one *** and a sec'],
  [['secret', 'secretive'], ['secretive secret'], '*** ***'],
  [['secret'], ['secsecret'], 'sec***'],
  [['abab'], ['abababab'], '******'],
  [['héllo wörld'], ['say héllo wör', 'ld'], 'say ***'],
  [['ab'], ['too short to hide: ab'], 'too short to hide: ab'],
  [[], ['nothing'], 'nothing'],
])('%j in %j', (secrets, pieces, shown) => expect(through(secrets, pieces)).toBe(shown))

test('what cannot be a secret any more is handed on at once', () => {
  const mask = createMask(['secret'])
  expect(Buffer.from(mask.take(Buffer.from('prompt> '))).toString()).toBe('prompt> ')
  expect(Buffer.from(mask.take(Buffer.from('se'))).toString()).toBe('')
  expect(Buffer.from(mask.take(Buffer.from('nse'))).toString()).toBe('sen')
})
