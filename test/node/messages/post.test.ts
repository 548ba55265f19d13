// The post office of a node: delivered until marked, each limit refused by name, and a task only among its kin.
import { expect, test } from 'vitest'
import type { TaskId } from '../../../protocols/ids.ts'
import { taskId } from '../../../protocols/ids.ts'
import { MESSAGE_BYTES_MAX } from '../../../protocols/limits.ts'
import { alice, bob, CREATED_AT, TASK } from '../../protocols/samples.ts'
import { createPostOffice } from './post-office.ts'

const taskOf = (n: number): TaskId => taskId(alice.peerId, CREATED_AT, new Uint8Array(16).fill(n))
const [PARENT, CHILD, COUSIN] = [taskOf(1), taskOf(2), taskOf(3)]
const kin: Record<string, { parent?: TaskId; author: typeof alice.peerId; ended: boolean }> = {
  [PARENT]: { author: bob.peerId, ended: false },
  [CHILD]: { author: alice.peerId, parent: PARENT, ended: false },
  [COUSIN]: { author: alice.peerId, ended: false },
  [TASK]: { author: alice.peerId, ended: true },
}
const office = () =>
  createPostOffice(alice.peerId, { kinOf: (task) => kin[task], findWorker: (name) => ({ box: alice.peerId, bob: bob.peerId })[name] })
const all = { limit: 100, unread: false }

test('a message is listed until it is marked, also by a reader who died before it marked it', async () => {
  const { post } = office()
  const { id } = await post.send(undefined, { to: { worker: 'box' }, body: 'hello' })
  await post.send(undefined, { to: { worker: 'bob' }, body: 'not mine' })
  expect(post.list(undefined, all).items).toMatchObject([{ id, body: 'hello', read: false, from: { workerName: 'box' } }])
  expect(post.list(undefined, all).items, 'nobody marked it').toHaveLength(1)
  expect(await post.markRead(undefined, [id, id])).toEqual({ read: 1, durability: 'majority' })
  expect(post.list(undefined, all).items).toEqual([])
  expect(await post.markRead(undefined, [id]), 'the same request again').toEqual({ read: 0, durability: 'majority' })
})

test('JSON comes back as JSON, text as text, also text that looks like JSON', async () => {
  const { post } = office()
  for (const body of [{ a: [1, null, 'ü'] }, '{"a":1}', 'ünïcode \u0000 \u001b[2J', [], 7, null]) {
    const { id } = await post.send(undefined, { to: { topic: 'news' }, body })
    expect(post.find(undefined, id)?.body).toEqual(body)
  }
})

test('messages of one sender stay in their order, also within a millisecond', async () => {
  const { post } = createPostOffice(alice.peerId, { wallMs: () => CREATED_AT })
  const texts = Array.from({ length: 50 }, (_, n) => `text ${n}`)
  for (const body of texts) await post.send(undefined, { to: { worker: 'box' }, body })
  expect(post.list(undefined, all).items.map(({ body }) => body)).toEqual(texts)
})

test('each reader of a topic has marks of its own', async () => {
  const { post } = office()
  const { id } = await post.send(undefined, { to: { topic: 'news' }, body: 'one' })
  await post.send(CHILD, { to: { topic: 'news' }, body: 'two' })
  await post.markRead(CHILD, [id])
  const texts = (asker: string | undefined) => post.list(asker, { limit: 10, topic: 'news', unread: true }).items.map(({ body }) => body)
  expect(texts(CHILD)).toEqual(['two'])
  expect(texts(undefined)).toEqual(['one', 'two'])
  expect(post.list(CHILD, { limit: 10, topic: 'news', unread: false }).items.map(({ read }) => read)).toEqual([true, false])
})

test('a task writes to its parent, its children, its worker, its publisher and topics, and reads only its own inbox', async () => {
  const { post } = office()
  for (const [asker, to] of [
    [CHILD, { task: PARENT }],
    [CHILD, { task: 'parent' }],
    [PARENT, { task: CHILD }],
    [PARENT, { worker: 'box' }],
    [PARENT, { worker: 'bob' }],
    [COUSIN, { topic: 'news' }],
  ] as const)
    await expect(post.send(asker, { to, body: 'hi' }), JSON.stringify(to)).resolves.toMatchObject({ durability: 'majority' })
  for (const [asker, to, code] of [
    [CHILD, { task: COUSIN }, 'not-kin'],
    [CHILD, { worker: 'bob' }, 'not-kin'],
    [COUSIN, { task: 'parent' }, 'no-parent'],
    [undefined, { task: 'parent' }, 'no-parent'],
    [undefined, { task: TASK }, 'task-ended'],
    [undefined, { task: taskOf(9) }, 'task-unknown'],
    [undefined, { worker: 'nobody' }, 'worker-unknown'],
  ] as const)
    await expect(post.send(asker, { to, body: 'hi' }), JSON.stringify(to)).rejects.toMatchObject({ code })
  const [toParent] = post.list(PARENT, all).items
  expect(toParent).toMatchObject({ from: { task: CHILD }, body: 'hi' })
  expect(post.find(CHILD, toParent!.id)).toBeUndefined()
  await expect(post.markRead(undefined, [toParent!.id])).rejects.toMatchObject({ code: 'not-yours' })
})

test('a message over its limit and an inbox that is full are refused by name and value', async () => {
  const { post } = office()
  await expect(post.send(undefined, { to: { worker: 'bob' }, body: 'ü'.repeat(MESSAGE_BYTES_MAX / 2 + 1) })).rejects.toMatchObject({
    code: 'message-too-large',
    message: expect.stringContaining(`${MESSAGE_BYTES_MAX + 2} bytes`),
  })
  await expect(post.send(undefined, { to: { worker: 'bob' }, body: '\ud800' })).rejects.toMatchObject({ code: 'message-not-text' })
  for (let n = 0; n < 10_000; n++) await post.send(undefined, { to: { worker: 'box' }, body: '.' })
  await expect(post.send(undefined, { to: { worker: 'box' }, body: '.' })).rejects.toMatchObject({
    code: 'inbox-full',
    kind: 'busy',
    message: expect.stringContaining('of worker box holds 10000 unread'),
  })
  await expect(post.send(undefined, { to: { worker: 'bob' }, body: '.' }), 'others still get theirs').resolves.toBeDefined()
  const [first] = post.list(undefined, all).items
  await post.markRead(undefined, [first!.id])
  await expect(post.send(undefined, { to: { worker: 'box' }, body: '.' })).resolves.toBeDefined()
})

test('an inbox is also full by bytes, and a page ends early rather than grow', async () => {
  const { post } = office()
  const body = 'x'.repeat(MESSAGE_BYTES_MAX)
  for (let n = 0; n < 256; n++) await post.send(undefined, { to: { worker: 'box' }, body })
  await expect(post.send(undefined, { to: { worker: 'box' }, body: '.' })).rejects.toMatchObject({ code: 'inbox-full' })
  const page = post.list(undefined, { limit: 500, unread: true })
  expect(page.items).toHaveLength(16)
  expect(page.next).toBe(page.items.at(-1)?.id)
  expect(post.list(undefined, { limit: 500, unread: true, cursor: page.next! }).items[0]?.id).not.toBe(page.next)
})
