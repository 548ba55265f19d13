// A small agent that speaks ACP with the agent side of the protocol's own library: it writes a file when it is allowed to, and says so.
//
//   node acp-agent.ts        a prompt with `hang` waits for the cancel, one with `write` asks first
import { agent, methods, ndJsonStream, PROTOCOL_VERSION, type SessionUpdate } from '@agentclientprotocol/sdk'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'

const folders = new Map<string, string>()
const cancelled = new Map<string, () => void>()

agent({ name: 'small' })
  .onRequest(methods.agent.initialize, () => ({ protocolVersion: PROTOCOL_VERSION, agentCapabilities: { loadSession: false } }))
  .onRequest(methods.agent.session.new, ({ params }) => {
    const sessionId = `small-${folders.size + 1}`
    folders.set(sessionId, params.cwd)
    return { sessionId }
  })
  .onNotification(methods.agent.session.cancel, ({ params }) => cancelled.get(params.sessionId)?.())
  .onRequest(methods.agent.session.prompt, async ({ params, client }) => {
    const { sessionId } = params
    const [first] = params.prompt
    const prompt = first?.type === 'text' ? first.text : ''
    const update = (change: SessionUpdate): Promise<void> => client.notify(methods.client.session.update, { sessionId, update: change })
    const say = (text: string): Promise<void> => update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } })
    await say('You said: ')
    await say(prompt)
    if (prompt.includes('hang')) {
      await new Promise<void>((resolve) => cancelled.set(sessionId, resolve))
      return { stopReason: 'cancelled' }
    }
    if (!prompt.includes('write')) return { stopReason: 'end_turn' }
    const toolCall = {
      toolCallId: 'call-1',
      title: 'Write',
      kind: 'edit',
      rawInput: { path: 'made.txt' },
      locations: [{ path: 'made.txt' }],
    } as const
    await update({ sessionUpdate: 'tool_call', status: 'pending', ...toolCall, locations: [{ path: 'made.txt' }] })
    const { outcome } = await client.request(methods.client.session.requestPermission, {
      sessionId,
      toolCall: { ...toolCall, locations: [{ path: 'made.txt' }] },
      options: [
        { optionId: 'yes', name: 'Allow', kind: 'allow_once' },
        { optionId: 'no', name: 'Refuse', kind: 'reject_once' },
      ],
    })
    const allowed = outcome.outcome === 'selected' && outcome.optionId === 'yes'
    if (allowed) await writeFile(join(folders.get(sessionId) ?? '.', 'made.txt'), 'made by an agent\n')
    const content = [{ type: 'content' as const, content: { type: 'text' as const, text: allowed ? 'written' : 'refused' } }]
    await update({ sessionUpdate: 'tool_call_update', toolCallId: 'call-1', status: allowed ? 'completed' : 'failed', content })
    await say(allowed ? 'It is written.' : 'I may not.')
    return { stopReason: 'end_turn' }
  })
  .connect(ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>))
