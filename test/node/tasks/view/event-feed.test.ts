// The event stream: a cursor of one node is good at another, a gap is told, and a slow reader hears `resync`.
import { expect, test } from 'vitest'
import { createEventFeed } from '../../../../node/tasks/view/event-feed.ts'
import type { Block, SealedBlock } from '../../../../protocols/blocks.ts'
import { encodeBlock, FIRST_PREV } from '../../../../protocols/blocks.ts'
import type { PeerId } from '../../../../protocols/ids.ts'
import type { Head } from '../../../../protocols/streams.ts'

const AUTHOR = '12D3KooWauthor' as PeerId

function blockAt(seq: number): SealedBlock {
  const block: Block = { v: 1, author: AUTHOR, epoch: 1, seq, prev: FIRST_PREV, hlc: seq, entries: [{ kind: 'note' }] }
  return { body: encodeBlock(block), signature: new Uint8Array(64) }
}

/** A node that has blocks 1 to `has.seq` of one log. */
function feedOf(has: { seq: number; stored?: number }, flush = () => {}) {
  let heads: readonly Head[] = [[AUTHOR, 1, has.seq]]
  const feed = createEventFeed({
    wallMs: () => 0,
    heads: () => heads,
    blocks: {
      async *read(_author, _epoch, fromSeq) {
        for (let seq = fromSeq; seq <= (has.stored ?? has.seq); seq++) yield blockAt(seq)
      },
    },
    flushed: () => Promise.resolve().then(flush),
    eventsOf: (block) => [{ type: 'note.added', entity: 'note', id: String(block.seq), data: null }],
  })
  return {
    feed,
    advance(seq: number) {
      heads = [[AUTHOR, 1, seq]]
      feed.emit(() => ({ type: 'note.added', entity: 'note', id: String(seq), data: null }))
    },
  }
}

async function take(events: AsyncIterable<{ type: string; id?: string; cursor?: string }>, count: number) {
  const seen: { type: string; id?: string; cursor?: string }[] = []
  for await (const event of events) {
    seen.push(event)
    if (seen.length === count) return seen
  }
  return seen
}

test('a cursor of one node goes on at another, without a gap', async () => {
  const [first, second] = [feedOf({ seq: 1 }), feedOf({ seq: 4 })]
  const end = new AbortController()
  const watching = take(first.feed.read({ signal: end.signal }), 1)
  await Promise.resolve()
  first.advance(2)
  const [seen] = await watching
  expect(seen).toMatchObject({ type: 'note.added', id: '2' })
  const resumed = await take(second.feed.read({ since: seen?.cursor ?? '', signal: end.signal }), 3)
  expect(resumed.map((event) => event.id || event.type)).toEqual(['3', '4', 'stream.caught-up'])
  end.abort()
})

test('text that is no cursor, and blocks that are gone, are told as resync', async () => {
  const signal = new AbortController().signal
  expect((await take(feedOf({ seq: 2 }).feed.read({ since: '!!', signal }), 1))[0]?.type).toBe('resync')
  const source = feedOf({ seq: 3, stored: 1 })
  const cursorAtZero = Buffer.from([0x80]).toString('base64url')
  const types = (await take(source.feed.read({ since: cursorAtZero, signal }), 3)).map((event) => event.type)
  expect(types).toEqual(['note.added', 'resync', 'stream.caught-up'])
})

test('blocks that are on their way to the disk are no gap', async () => {
  const has = { seq: 3, stored: 1 }
  const source = feedOf(has, () => void (has.stored = 3))
  const missed = source.feed.read({ since: Buffer.from([0x80]).toString('base64url'), signal: new AbortController().signal })
  expect((await take(missed, 4)).map((event) => event.id || event.type)).toEqual(['1', '2', '3', 'stream.caught-up'])
})

test('a reader that falls behind its limit hears resync first', async () => {
  const source = feedOf({ seq: 1 })
  const end = new AbortController()
  const reader = source.feed.read({ signal: end.signal })[Symbol.asyncIterator]()
  const first = reader.next()
  await Promise.resolve()
  for (let seq = 2; seq < 10_100; seq++) source.advance(seq)
  await first
  const second = await reader.next()
  expect([(await first).value?.type, second.value?.type]).toContain('resync')
  end.abort()
})
