// Knowledge at one node: its fold takes entries in any order, forgets by size alone, and both indexes find the same.
import { describe, expect, test } from 'vitest'
import type { Block } from '../../../protocols/blocks.ts'
import type { KnowledgeRecord } from '../../../protocols/agents/knowledge.ts'
import { idOfKnowledge } from '../../../protocols/agents/knowledge.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import { createShelf } from '../../../node/knowledge/shelf.ts'
import type { TextIndex } from '../../../node/knowledge/text-index.ts'
import { createTextIndex, createWordIndex, wordsOf } from '../../../node/knowledge/text-index.ts'

const ALICE = '12D3KooWAliceAliceAliceAliceAliceAliceAliceAliceAlic' as PeerId
const NOW = 1_800_000_000_000
const block = { author: ALICE, hlc: NOW * 1024 } as Block

function entry(at: number, text: string, more: Partial<KnowledgeRecord> = {}): KnowledgeRecord {
  const content = { createdAt: NOW + at, nonce: new Uint8Array(16).fill(at % 256), title: `Title ${at}`, text, tags: ['a'], ...more }
  return { kind: 'knowledge', id: idOfKnowledge(ALICE, content), ...content }
}
const shelfOf = (records: readonly KnowledgeRecord[]) => {
  const shelf = createShelf({ added: () => {}, removed: () => {} })
  for (const record of records) shelf.part.apply(record, block)
  return shelf
}

describe('the shelf', () => {
  test('is the same for any order and any repetition, and keeps the newest within its size', () => {
    const large = 'x'.repeat(16 * 1024)
    const records = Array.from({ length: 1_100 }, (_, at) => entry(at, `${at} ${large.slice(8)}`))
    const forward = shelfOf(records)
    const backward = shelfOf([...records, ...records].reverse())
    expect(forward.part.state()).toEqual(backward.part.state())
    const kept = forward.all()
    expect(kept.length).toBeGreaterThan(1_000)
    expect(kept.length, 'within 16 MiB').toBeLessThanOrEqual(1_024)
    expect(kept[0]?.record.title).toBe('Title 1099')
  })

  test('takes in nothing under a made-up ID, of another author, or from the future', () => {
    const good = entry(1, 'text')
    const shelf = shelfOf([
      { ...good, text: 'another text' },
      { ...good, id: `${good.id.slice(0, 25)}${good.id.endsWith('0') ? '1' : '0'}` as KnowledgeRecord['id'] },
      entry(3_600_000, 'of tomorrow'),
    ])
    shelf.part.apply(good, { ...block, author: '12D3KooWBobBobBobBobBobBobBobBobBobBobBobBobBobBobBo' as PeerId })
    expect(shelf.all()).toEqual([])
  })
})

describe.each([
  ['sqlite', createTextIndex],
  ['words', async () => createWordIndex()],
] as [TextIndex['engine'], () => Promise<TextIndex>][])('the index by %s', (engine, create) => {
  test('finds all the words, by their first letters, titles first, and nothing that went', async () => {
    const index = await create()
    expect(index.engine).toBe(engine)
    const texts = [
      { ...entry(1, 'Run the migrations before a deploy.'), title: 'Order of work' },
      { ...entry(2, 'Nothing of note, only a deploy.'), title: 'Deploy' },
      { ...entry(3, 'Coffee is in the kitchen.'), title: 'Coffee', tags: ['house'] },
    ]
    for (const text of texts) index.add(text)
    const found = (query: string): string[] =>
      index.search(wordsOf(query), 10).map(({ id }) => texts.find((text) => text.id === id)?.title ?? '?')
    expect(found('deploy')).toEqual(['Deploy', 'Order of work'])
    expect(found('MIGR deploy')).toEqual(['Order of work'])
    expect(found('house')).toEqual(['Coffee'])
    expect(found('deploy coffee')).toEqual([])
    expect(index.search(wordsOf('kitchen'), 10)[0]?.excerpt).toContain('kitchen')
    index.remove(texts[1]?.id as KnowledgeRecord['id'])
    expect(found('deploy')).toEqual(['Order of work'])
  })

  test('takes hostile questions as words, or as nothing', async () => {
    const index = await create()
    index.add(entry(1, 'plain text'))
    for (const query of [
      '"',
      '" OR 1=1 --',
      '(',
      'NEAR(a b)',
      'title:*',
      '*',
      '^',
      "'; DROP TABLE entry; --",
      '\u202e',
      'a'.repeat(5_000),
      ' ',
    ]) {
      const started = performance.now()
      expect(() => index.search(wordsOf(query), 10)).not.toThrow()
      expect(performance.now() - started, query.slice(0, 20)).toBeLessThan(20_000)
    }
    expect(index.search(wordsOf('plain'), 10)).toHaveLength(1)
  })
})
