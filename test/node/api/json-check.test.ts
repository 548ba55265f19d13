import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { flawOfJson } from '../../../node/api/json-check.ts'

describe('the look over JSON before it is parsed', () => {
  it('finds no flaw in anything that JSON.stringify makes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value)
        fc.pre(!text.includes('__proto__'))
        expect(flawOfJson(text)).toBeUndefined()
      }),
    )
  })

  it('finds a key that is there twice, at any depth, however it is written', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(20), (key, depth) => {
        fc.pre(key !== '__proto__')
        const quoted = JSON.stringify(key)
        const escaped = `"${Array.from({ length: key.length }, (_, at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
        expect(flawOfJson(`${'[{"a":'.repeat(depth / 2)}{${quoted}:1,"x ":2 , ${escaped} :3}`)).toMatch(/twice/)
      }),
    )
  })

  it('lets the same key stand in two objects and in texts', () => {
    expect(flawOfJson('[{"a":1},{"a":2},{"a":{"a":"a\\":{}"}}]')).toBeUndefined()
  })

  it('finds __proto__ and too much depth', () => {
    expect(flawOfJson('{"a":{"__proto__":1}}')).toContain('__proto__')
    expect(flawOfJson('{"\\u005f_proto__":1}')).toContain('__proto__')
    expect(flawOfJson('['.repeat(33))).toContain('deeper than 32')
    expect(flawOfJson('['.repeat(32))).toBeUndefined()
  })

  it('never throws and never takes long, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => void flawOfJson(text)))
    const started = performance.now()
    flawOfJson('"\\'.repeat(500_000))
    flawOfJson(`{${'"a" '.repeat(250_000)}`)
    flawOfJson(`{${Array.from({ length: 100_000 }, (_, i) => `"${i}":1`).join(',')}}`)
    expect(performance.now() - started).toBeLessThan(30_000) // it is linear: otherwise hours
  })
})
