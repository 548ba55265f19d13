// The checksum of stored values: no flipped bit and no cut goes unnoticed.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { frameValue, unframeValue } from '../../../node/store/checked-value.ts'
import { createSeededRandom } from '../../../node/kernel/random.ts'

test('a thousand single flipped bits, anywhere in the frame, are all found', () => {
  const random = createSeededRandom(1)
  const framed = frameValue(random.bytes(700))
  for (let i = 0; i < 1_000; i++) {
    const bit = Math.floor(random.next() * framed.length * 8)
    const damaged = new Uint8Array(framed)
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
    expect(unframeValue(damaged), `bit ${bit}`).toBeUndefined()
  }
})

test('any payload comes back, any other length does not', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(400), (payload, length) => {
      const framed = frameValue(payload)
      expect([...(unframeValue(framed) ?? [])]).toEqual([...payload])
      if (length < framed.length) expect(unframeValue(framed.subarray(0, length))).toBeUndefined()
      expect(unframeValue(Buffer.concat([framed, Uint8Array.of(0)]))).toBeUndefined()
    }),
  )
})

test('bytes that are no frame are no value', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => unframeValue(bytes) === undefined))
})
