// Where branches point, as the register decides it, and who keeps what, as the logs tell it.
import { encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import { isNameKey } from '../../../protocols/ids.ts'
import { HOSTED_REFS_MAX, NAME_BYTES_MAX } from '../../../protocols/limits.ts'
import type { Entry, RegisterValue } from '../../../protocols/records.ts'
import { registerValue } from '../../../protocols/records.ts'
import { hostedName, hostedRef } from '../../../protocols/githost/hosted-names.ts'
import { headsOf, keyOf, moveRefs, type RefMove, repoOf } from '../../../node/githost/refs/heads.ts'
import { createHolders } from '../../../node/githost/refs/holders.ts'
import { createHeadWatch } from '../../../node/githost/refs/watch-heads.ts'
import { INITIAL_VALUE } from '../../../node/tasks/fold/task-state.ts'
import { alice, bob, CREATED_AT } from '../../protocols/samples.ts'
import { blockOf } from '../messages/post-office.ts'

const id = (digit: number): string => String(digit).repeat(40)
const MAIN = 'refs/heads/main'
let number = 0
const move = (value: RegisterValue, moves: RefMove[], by: PeerId = alice.peerId, at = ++number): RegisterValue | { refused: string } =>
  moveRefs(moves, { by, wallMs: CREATED_AT }, [by, 1, at])(value)
const moved = (value: RegisterValue, moves: RefMove[]): RegisterValue => {
  const next = move(value, moves)
  if ('refused' in next) throw new Error(String(next.refused))
  return next
}

test('a branch moves from where it is, all moves of a push or none, and a repeated proposal counts once', () => {
  const first = moved(INITIAL_VALUE, [
    { ref: MAIN, from: undefined, to: id(1) },
    { ref: 'refs/heads/a', from: undefined, to: id(1) },
  ])
  expect(first.name).toMatchObject({
    head: MAIN,
    refs: [
      ['refs/heads/a', id(1), alice.peerId, CREATED_AT],
      [MAIN, id(1), alice.peerId, CREATED_AT],
    ],
  })
  expect(registerValue.safeParse(first).success).toBe(true)
  expect(move(first, [{ ref: MAIN, from: id(2), to: id(3) }])).toEqual({ refused: 'stale' })
  expect(move(first, [{ ref: MAIN, from: undefined, to: id(3) }])).toEqual({ refused: 'stale' })
  const half = [
    { ref: MAIN, from: id(1), to: id(2) },
    { ref: 'refs/heads/a', from: id(9), to: id(2) },
  ]
  expect(move(first, half)).toEqual({ refused: 'stale' })
  const again = 500
  const second = move(first, [{ ref: MAIN, from: id(1), to: id(2) }], bob.peerId, again) as RegisterValue
  expect(second.version).toBe(first.version + 1)
  expect(move(second, [{ ref: MAIN, from: id(1), to: id(2) }], bob.peerId, again)).toEqual({ refused: 'done' })
  const without = moved(second, [{ ref: MAIN, from: id(2), to: undefined }])
  expect(headsOf(without).map(({ ref }) => ref)).toEqual(['refs/heads/a'])
  expect(without.name?.head).toBe('refs/heads/a')
})

test('a repository takes as many refs as fit in its register and refuses the next one', () => {
  let value = INITIAL_VALUE
  let count = 0
  for (; count <= HOSTED_REFS_MAX; count++) {
    const next = move(value, [{ ref: `refs/heads/${'x'.repeat(60)}${count}`, from: undefined, to: id(1) }])
    if ('refused' in next) {
      expect(next.refused).toBe('full')
      break
    }
    value = next
  }
  expect(count).toBeGreaterThan(200)
  expect(encode(value).length).toBeLessThanOrEqual(NAME_BYTES_MAX)
})

test.each(['app', 'a.b-c_d', 'Nimbus'])('%s can name a repository', (name) => {
  expect(hostedName.safeParse(name).success).toBe(true)
  expect(isNameKey(keyOf(name))).toBe(true)
  expect(repoOf(keyOf(name))).toBe(name)
})
test.each(['', '..', '.git', 'a.git', 'a..b', 'a.', '-a', 'a/b', 'a b', 'a\n', 'a\0', 'x'.repeat(64), 'a.lock'])('%j cannot', (name) =>
  expect(hostedName.safeParse(name).success).toBe(false),
)
test.each(['refs/heads/main', 'refs/tags/v1.0', 'refs/heads/a/b', 'refs/heads/ü'])('%s can name a branch or tag', (ref) =>
  expect(hostedRef.safeParse(ref).success).toBe(true),
)
test.each([
  'HEAD',
  'refs/nimbus/x',
  'refs/heads/',
  'refs/heads/../x',
  'refs/heads/a..b',
  'refs/heads/.a',
  'refs/heads/a.lock',
  'refs/heads/a b',
  'refs/heads/a\nb',
  'refs/heads/a\0b',
  'refs/heads/-x',
  'refs/heads/a@{1}',
  'refs/heads/a/',
  'refs/heads/a:b',
])('%j cannot', (ref) => expect(hostedRef.safeParse(ref).success).toBe(false))

test('any order and repetition of the same blocks tells the same of who keeps what', () => {
  const anEntry = fc
    .tuple(fc.constantFrom('a', 'b'), fc.nat(9), fc.boolean())
    .map(([repo, version, dropped]): Entry => ({ kind: 'repo-held', repo, version, ...(dropped ? { dropped } : {}) }))
  const history = fc
    .array(fc.tuple(fc.nat(1), fc.nat(3), fc.array(anEntry, { minLength: 1, maxLength: 3 })), { maxLength: 12 })
    .map((blocks) =>
      blocks.map(
        ([author, step, entries], at): Block =>
          blockOf([alice.peerId, bob.peerId][author] as PeerId, at + 1, CREATED_AT * 1024 + at * 2 + step, entries),
      ),
    )
  const stateOf = (blocks: readonly Block[]): unknown => {
    const holders = createHolders(() => {})
    for (const block of blocks) for (const entry of block.entries) holders.part.apply(entry, block)
    return [Buffer.from(encode(holders.part.state())).toString('hex'), holders.of('a'), holders.of('b')]
  }
  fc.assert(
    fc.property(
      history.chain((blocks) =>
        fc.tuple(fc.constant(blocks), fc.shuffledSubarray(blocks, { minLength: blocks.length }), fc.shuffledSubarray(blocks)),
      ),
      ([blocks, shuffled, more]) => {
        expect(stateOf([...shuffled, ...more])).toEqual(stateOf(blocks))
      },
    ),
  )
})

test('who follows a branch hears of each commit once, of its end, and nothing after it stops', () => {
  let value: RegisterValue | undefined
  const watch = createHeadWatch(() => value)
  const heard: (string | undefined)[] = []
  const stop = watch.watchHead('app', 'main', (head) => heard.push(head?.commit))
  watch.changed(keyOf('app'))
  value = moved(INITIAL_VALUE, [{ ref: MAIN, from: undefined, to: id(1) }])
  watch.changed(keyOf('other'))
  expect(heard).toEqual([])
  watch.changed(keyOf('app'))
  watch.changed(keyOf('app'))
  value = moved(value, [{ ref: 'refs/heads/a', from: undefined, to: id(2) }])
  watch.changed(keyOf('app'))
  value = moved(value, [{ ref: MAIN, from: id(1), to: undefined }])
  watch.changed(keyOf('app'))
  stop()
  value = moved(value, [{ ref: MAIN, from: undefined, to: id(3) }])
  watch.changed(keyOf('app'))
  expect(heard).toEqual([id(1), undefined])
})
