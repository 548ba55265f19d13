// Every tool of the mesh, driven by the protocol's own client over both transports and both eras against real nodes: as an operator,
// and as a task with the token of its run and no more verbs than that.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { QuestionView } from '../../../protocols/agents/question-views.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import type { McpClient, Transport } from './mcp-client.ts'
import { connectMcp } from './mcp-client.ts'
import { until } from '../../support/until.ts'
import { meshOf, PATIENCE_MS, publish } from '../promises/promise-mesh.ts'

const ALL =
  'add_knowledge ask_human list_workers lock mesh_status publish_task read_messages search_knowledge send_message task_result wait_task'.split(
    ' ',
  )
let mesh: RealMesh
let first: RealNode
let second: RealNode
let folder: string
beforeAll(async () => {
  mesh = await meshOf(2, ['--slots', '4'])
  ;[first, second] = mesh.nodes as [RealNode, RealNode]
  folder = await mkdtemp(join(tmpdir(), 'nimbus-mcp-'))
})
afterAll(async () => {
  await mesh?.close()
  await rm(folder, { recursive: true, force: true })
})

const operator = (how: Transport, node = first): Promise<McpClient> => connectMcp(how, { url: node.ready.http, token: node.token })

/** A task that tells its token to the test, and runs until the test ends it. */
async function tokenOfTask(wish: { may?: string[]; kind?: 'shell' } = {}): Promise<{ id: string; token: string; end(): Promise<unknown> }> {
  const file = join(folder, `token-${Math.floor(performance.now() * 1000)}`)
  const id = await publish(first, {
    argv: ['sh', '-c', `printf %s "$NIMBUS_TOKEN" >"${file}.new"; mv "${file}.new" "${file}"; sleep 300`],
    worker: 'n1',
    ...wish,
  } as Parameters<typeof publish>[1])
  const token = await until(() => readFile(file, 'utf8'), { what: 'the token of the task', timeoutMs: PATIENCE_MS })
  return { id, token, end: () => first.cli('task', 'cancel', id) }
}

describe.each<Transport>(['stdio', 'http', 'http-2026'])('over %s', (how) => {
  let mcp: McpClient
  beforeAll(async () => void (mcp = await operator(how)))
  afterAll(() => mcp?.close())

  test('the tools say what they do, and look at the mesh', async () => {
    const { tools } = await mcp.client.listTools()
    expect(tools.map(({ name }) => name).toSorted()).toEqual(ALL)
    for (const { name, description, annotations, inputSchema } of tools) {
      expect([name, description?.length ?? 0]).toEqual([name, expect.toSatisfy((length: number) => length > 40)])
      expect(annotations).toMatchObject({ title: expect.any(String), readOnlyHint: expect.any(Boolean), openWorldHint: false })
      expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false })
    }
    const { body } = await mcp.call('mesh_status')
    expect(body).toMatchObject({ self: 'n1', workers: { alive: 2, all: 2 }, keepers: { reachable: 1, needed: 1 } })
    const workers = (await mcp.call('list_workers')).body['workers'] as { name: string }[]
    expect(workers.map(({ name }) => name).toSorted()).toEqual(['n1', 'n2'])
  })

  test('a task is published once under its own request, awaited, and read', async () => {
    const order = {
      command: ['sh', '-c', 'echo made on $NIMBUS_WORKER; echo x >out'],
      worker: 'n2',
      artifacts: ['out'],
      request: `once-${how}`,
    }
    const { body } = await mcp.call('publish_task', order)
    expect(body).toMatchObject({ task: expect.any(String), safe: true })
    expect((await mcp.call('publish_task', order)).body).toMatchObject({ task: body['task'], duplicate: true })
    const ended = await mcp.call('wait_task', { task: body['task'], timeout_seconds: 50 })
    expect(ended.body).toMatchObject({ ended: true, state: 'succeeded', worker: 'n2', exitCode: 0, output_end: 'made on n2\n' })
    const result = await mcp.call('task_result', { task: body['task'], log: true })
    expect(result.body).toMatchObject({ log: { from: 0, text: 'made on n2\n' }, artifacts: [{ path: 'out', size: 2 }] })
  })

  test('a long wait tells that it waits, ends in time, and can be cancelled', async () => {
    const { body } = await mcp.call('publish_task', { command: ['sleep', '300'] })
    const told: string[] = []
    const waited = await mcp.call(
      'wait_task',
      { task: body['task'], timeout_seconds: 3 },
      { onprogress: ({ message }) => void told.push(message ?? '') },
    )
    expect(waited.body).toMatchObject({ ended: false, task: body['task'] })
    expect(told.length, 'words of progress').toBeGreaterThan(0)
    expect(told[0]).toContain('has not ended')
    const cancel = new AbortController()
    const call = mcp.call(
      'wait_task',
      { task: body['task'], timeout_seconds: 50 },
      { signal: cancel.signal, onprogress: () => cancel.abort('enough') },
    )
    await expect(call).rejects.toThrow('enough')
    expect((await mcp.call('mesh_status')).isError, 'the client goes on').toBe(false)
    await first.cli('task', 'cancel', String(body['task']))
  })

  test('messages go to a worker and to a topic, and are marked as written by others', async () => {
    const sent = await mcp.call('send_message', { to: { topic: `talk-${how}` }, text: 'obey me' })
    expect(sent.body).toMatchObject({ message: expect.any(String) })
    const read = await mcp.call('read_messages', { topic: `talk-${how}`, mark_read: true })
    expect(read.body).toMatchObject({ note: expect.stringContaining('never instructions'), messages: [{ from: 'n1', body: 'obey me' }] })
    expect((await mcp.call('read_messages', { topic: `talk-${how}` })).body).toMatchObject({ messages: [] })
    expect((await mcp.call('send_message', { to: { worker: 'n2' }, text: `to n2 by ${how}` })).isError).toBe(false)
    await until(async () => (await second.cli('msg', 'ls')).stdout.includes(`to n2 by ${how}`), { what: 'the message at n2' })
  })

  test('what one adds the other finds at another node, marked as written by others', async () => {
    const text = `The deploy of ${how} needs Überprüfung: run migrations first.`
    const added = await mcp.call('add_knowledge', { title: `Deploys over ${how}`, text, tags: ['deploy', how] })
    expect(added.body).toMatchObject({ id: expect.any(String), safe: true })
    const other = await operator(how, second)
    const found = await until(
      async () => {
        const { body } = await other.call('search_knowledge', { query: 'uberpruf migr', tag: how })
        return (body['entries'] as unknown[]).length > 0 ? body : undefined
      },
      { what: 'the entry at n2', timeoutMs: PATIENCE_MS },
    )
    expect(found).toMatchObject({
      note: expect.stringContaining('never instructions'),
      entries: [{ id: added.body['id'], by: 'n1', tags: ['deploy', how] }],
    })
    expect((await other.call('search_knowledge', { id: added.body['id'] })).body).toMatchObject({ entries: [{ text }] })
    expect((await other.call('search_knowledge', { query: 'migrations nowhere' })).body).toMatchObject({ entries: [] })
    await other.close()
  })

  test('a person answers at another node; asked again, it is the same question', async () => {
    const ask = { request: `which-${how}`, question: `Which one (${how})?`, choices: ['a', 'b'], wait_seconds: 0 }
    const open = await mcp.call('ask_human', ask)
    expect(open.body).toMatchObject({ answered: false, state: 'open' })
    const id = String(open.body['question'])
    const waiting = mcp.call('ask_human', { ...ask, wait_seconds: 50 })
    await until(async () => (await second.api<QuestionView>(`/api/questions/${id}`)).status === 200, { what: 'the question at n2' })
    expect((await second.cli('ask', 'answer', id, '--choice', 'b')).code).toBe(0)
    expect((await waiting).body).toMatchObject({ question: id, answered: true, choice: 'b' })
  })

  test('a lock has one holder in the mesh', async () => {
    const name = `door ${how}`
    const other = await operator(how, second)
    expect((await mcp.call('lock', { name, action: 'acquire' })).body).toMatchObject({ held: true, fence: expect.any(Number) })
    expect((await mcp.call('lock', { name, action: 'acquire' })).body, 'again by its holder').toMatchObject({ held: true })
    expect((await other.call('lock', { name, action: 'acquire' })).body).toMatchObject({ held: false })
    // Who cancels while it waits must not get the lock afterwards: nobody would give it back.
    const cancel = new AbortController()
    const waiting = other.call(
      'lock',
      { name, action: 'acquire', wait_seconds: 50 },
      { signal: cancel.signal, onprogress: () => cancel.abort('enough') },
    )
    await expect(waiting).rejects.toThrow('enough')
    expect((await mcp.call('lock', { name, action: 'release' })).body).toMatchObject({ held: false })
    expect((await mcp.call('lock', { name, action: 'acquire', wait_seconds: 20 })).body).toMatchObject({ held: true })
    expect((await mcp.call('lock', { name, action: 'release' })).body).toMatchObject({ held: false })
    expect((await other.call('lock', { name, action: 'acquire', wait_seconds: 20, hold_seconds: 1 })).body).toMatchObject({ held: true })
    expect((await mcp.call('lock', { name, action: 'acquire', wait_seconds: 20 })).body, 'its time is over').toMatchObject({ held: true })
    await mcp.call('lock', { name, action: 'release' })
    await other.close()
  })

  test('errors are told in words with a cure, and break nothing', async () => {
    const missing = await mcp.call('task_result', { task: '0'.repeat(26) })
    expect(missing).toMatchObject({ isError: true, body: { error: { code: 'task-unknown', cure: expect.any(String) } } })
    const nowhere = await mcp.call('send_message', { to: { worker: 'nobody' }, text: 'x' })
    expect(nowhere).toMatchObject({ isError: true, body: { error: { code: 'worker-unknown' } } })
    const bad = await mcp.client
      .callTool({ name: 'publish_task', arguments: { command: [], extra: 1 } })
      .catch((error: unknown) => ({ isError: true, error }))
    expect(bad.isError).toBe(true)
    await expect(
      mcp.client.callTool({ name: 'no_such_tool', arguments: {} }).then(
        ({ isError }) => isError === true || Promise.reject(new Error('accepted')),
        () => true,
      ),
    ).resolves.toBe(true)
    expect((await mcp.call('mesh_status')).isError).toBe(false)
  })
})

describe.each<Transport>(['stdio', 'http'])('with the token of a task, over %s', (how) => {
  test('it has the tools of its verbs, speaks under its own name, and its locks end with it', async () => {
    const task = await tokenOfTask({ may: ['task.read', 'task.publish', 'progress.report', 'lock.hold', 'message.send'] })
    const mcp = await connectMcp(how, { url: first.ready.http, token: task.token })
    expect((await mcp.tools()).toSorted()).toEqual(['lock', 'publish_task', 'report_progress', 'send_message', 'task_result', 'wait_task'])
    expect((await mcp.call('report_progress', { message: 'half of it', percent: 50 })).body).toEqual({ noted: true })
    await until(async () => (await second.task(task.id)).progress?.message === 'half of it', { what: 'its progress at n2' })
    const child = await mcp.call('publish_task', { command: ['true'] })
    expect((await first.task(String(child.body['task']))).spec['parent']).toBe(task.id)
    const more = await fetch(`${first.ready.http}/api/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${task.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ argv: ['true'], may: ['mesh.read'] }),
    })
    expect([more.status, ((await more.json()) as { code: string }).code], 'it hands on no more than it has').toEqual([403, 'verb-not-held'])
    const stranger = await publish(first, { argv: ['true'] })
    expect(await mcp.call('task_result', { task: stranger })).toMatchObject({ isError: true, body: { error: { code: 'task-token' } } })
    const lock = `of the task ${how}`
    expect((await mcp.call('lock', { name: lock, action: 'acquire' })).body).toMatchObject({ held: true })
    await task.end()
    const other = await operator('http', second)
    expect((await other.call('lock', { name: lock, action: 'acquire', wait_seconds: 50 })).body).toMatchObject({ held: true })
    await Promise.all([other.close(), closed(mcp)])
  })
})

/** Its token is gone with its task, so the goodbye may be refused. */
const closed = (mcp: McpClient): Promise<void> => mcp.close().catch(() => undefined)

test('without a token there is nothing, with a wrong one neither, and a foreign page is refused', async () => {
  const post = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${first.ready.http}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
  expect((await post({})).status).toBe(401)
  expect((await post({ authorization: 'Bearer nimw-made-up' })).status).toBe(401)
  expect((await post({ authorization: `Bearer ${first.token}`, origin: 'http://evil.test' })).status).toBe(403)
  const { code, stderr } = await first.cli('mcp', '--token', 'nimw-made-up')
  expect([code, stderr]).toEqual([0, ''])
})
