// Blobs fetched from members that go away, lie, or do not have them.
import { createHash } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CallRequest } from '../../../../protocols/calls.ts'
import { encodeCall } from '../../../../protocols/calls.ts'
import type { PeerId } from '../../../../protocols/ids.ts'
import { createBlobStore } from '../../../../node/store/blobs.ts'
import { createBlobFetch } from '../../../../node/tasks/work/blob-fetch.ts'

const CONTENT = Buffer.from('0123456789'.repeat(1000))
const HASH = createHash('sha256').update(CONTENT).digest('hex')
const PIECE = 1000

/** @param peers what each sends from a byte on, and whether it then goes away */
async function fetchFrom(peers: Record<string, { content: Buffer; until?: number; ignoresFrom?: boolean }>) {
  const blobs = createBlobStore({ dir: join(await mkdtemp(join(tmpdir(), 'nimbus-fetch-')), 'blobs') })
  const asked: [string, number][] = []
  const fetch = createBlobFetch({
    self: 'self' as PeerId,
    blobs,
    linked: () => Object.keys(peers) as PeerId[],
    async *call(peer: PeerId, request: CallRequest) {
      const { content, until = content.length, ignoresFrom } = peers[peer] as (typeof peers)[string]
      const from = request.op === 'blob' ? (request.from ?? 0) : 0
      asked.push([peer, from])
      for (let at = ignoresFrom === true ? 0 : from; at < until; at += PIECE)
        yield encodeCall({ t: 'bytes', bytes: new Uint8Array(content.subarray(at, Math.min(at + PIECE, until))) })
      if (until < content.length) throw new Error('the link is gone')
      yield encodeCall({ t: 'done' })
    },
  })
  const kept = await fetch.keep(HASH, undefined, new AbortController().signal)
  return { kept, asked, verified: await blobs.verify(HASH) }
}

test('what one member began, the next one goes on with', async () => {
  const result = await fetchFrom({ a: { content: CONTENT, until: 4000 }, b: { content: CONTENT } })
  expect(result).toEqual({
    kept: true,
    verified: true,
    asked: [
      ['a', 0],
      ['b', 4000],
    ],
  })
})

test('one that knows nothing of ranges spoils it once; the next sends all of it', async () => {
  const result = await fetchFrom({
    a: { content: CONTENT, until: 4000 },
    b: { content: CONTENT, ignoresFrom: true },
    c: { content: CONTENT },
  })
  expect(result).toEqual({
    kept: true,
    verified: true,
    asked: [
      ['a', 0],
      ['b', 4000],
      ['c', 0],
    ],
  })
})

test('a liar who begins is found out, and nothing of it is kept', async () => {
  const lies = Buffer.alloc(CONTENT.length, 'x')
  const result = await fetchFrom({ liar: { content: lies, until: 3000 }, b: { content: CONTENT }, c: { content: CONTENT } })
  expect(result).toEqual({
    kept: true,
    verified: true,
    asked: [
      ['liar', 0],
      ['b', 3000],
      ['c', 0],
    ],
  })
  expect(await fetchFrom({ liar: { content: lies } })).toMatchObject({ kept: false, verified: false })
})
