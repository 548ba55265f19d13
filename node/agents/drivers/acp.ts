// Any agent that speaks the Agent Client Protocol over its standard streams: prompts, updates, permissions and cancels, through the
// protocol's own library.
import { type AnyMessage, client, methods, PROTOCOL_VERSION } from '@agentclientprotocol/sdk'
import type { ClientConnection } from '@agentclientprotocol/sdk'
import type { RequestPermissionRequest, RequestPermissionResponse } from '@agentclientprotocol/sdk'
import type { AgentReason } from '../../../protocols/agents/agent-events.ts'
import { messageOf } from '../../kernel/errors.ts'
import type { AgentDriver, AgentListener, AgentOrder, AgentPipe, AgentProcess, PermissionAnswer } from '../driver.ts'
import { NO_TOKENS } from '../driver.ts'
import { createAcpReader } from './acp-updates.ts'
import { commandOf, plainEnvironment } from './own-command.ts'

const NONSENSE_MAX = 20

export const acpAgent: AgentDriver = {
  name: 'acp',
  start(order, listener) {
    let nonsense = 0
    let controller: ReadableStreamDefaultController<AnyMessage> | undefined
    const readable = new ReadableStream<AnyMessage>({
      start: (made) => void (controller = made),
    })
    const pipe = order.launch({
      argv: commandOf(order, 'acp'),
      env: plainEnvironment(order),
      readable: [],
      onLine(line) {
        listener.heard()
        const message = jsonOf(line)
        if (message !== undefined) return controller?.enqueue(message)
        nonsense += 1
        if (nonsense === NONSENSE_MAX) pipe.signal('SIGKILL')
      },
      onLongLine: (bytes) => listener.event({ type: 'note', text: `A line of ${bytes} bytes was left out.` }),
    })
    const writable = new WritableStream<AnyMessage>({ write: (message) => pipe.write(JSON.stringify(message)) })
    return createAcpProcess(order, listener, pipe, { readable, writable }, () => nonsense)
  },
}

type Streams = { readable: ReadableStream<AnyMessage>; writable: WritableStream<AnyMessage> }

function createAcpProcess(
  order: AgentOrder,
  listener: AgentListener,
  pipe: AgentPipe,
  streams: Streams,
  nonsense: () => number,
): AgentProcess {
  const asked = new Map<string, (answer: PermissionAnswer) => void>()
  const reader = createAcpReader(listener)
  let closing = false
  let ready = false
  const permission = (request: RequestPermissionRequest): Promise<RequestPermissionResponse> => {
    const { toolCall, options } = request
    const id = `${toolCall.toolCallId}-${asked.size}`
    const answered = Promise.withResolvers<RequestPermissionResponse>()
    asked.set(id, ({ allow }) => {
      asked.delete(id)
      const option =
        options.find(({ kind }) => kind === (allow ? 'allow_once' : 'reject_once')) ??
        options.find(({ kind }) => kind.startsWith(allow ? 'allow' : 'reject'))
      answered.resolve({ outcome: option === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId: option.optionId } })
    })
    listener.permission({ request: id, tool: (toolCall.title ?? toolCall.kind ?? 'tool').slice(0, 200), input: toolCall.rawInput ?? {} })
    return answered.promise
  }
  const connection: ClientConnection = client({ name: 'nimbus' })
    .onRequest(methods.client.session.requestPermission, ({ params }) => permission(params))
    .onNotification(methods.client.session.update, ({ params }) => reader.update(params.update))
    .connect(streams)
  const session = begin(order, connection).then((id) => {
    ready = true
    listener.event({ type: 'ready', agentSession: id })
    return id
  })
  session.catch(() => pipe.signal('SIGTERM')) // the end of the process tells it
  return {
    send({ order: id, text }) {
      const startedMs = order.clock.nowMs()
      listener.event({ type: 'prompt', order: id, text })
      const turn = (result: 'success' | 'interrupted' | 'error', reason?: AgentReason): void =>
        listener.event({
          type: 'turn',
          result,
          turns: 1,
          tokens: NO_TOKENS,
          costUsd: 0,
          text: reader.endTurn(),
          durationMs: Math.round(order.clock.nowMs() - startedMs),
          ...(reason === undefined ? {} : { reason }),
        })
      session
        .then((sessionId) => connection.agent.request(methods.agent.session.prompt, { sessionId, prompt: [{ type: 'text', text }] }))
        .then(({ stopReason }) => {
          if (stopReason === 'cancelled') turn('interrupted')
          else if (stopReason === 'end_turn') turn('success')
          else turn('error', { code: `agent-${stopReason.replaceAll('_', '-')}`, message: `The agent ended its turn: ${stopReason}.` })
        })
        .catch((error: unknown) =>
          closing || pipe.pid === undefined ? undefined : turn('error', { code: 'agent-error', message: messageOf(error) }),
        )
    },
    interrupt: () => void session.then((sessionId) => connection.agent.notify(methods.agent.session.cancel, { sessionId })).catch(() => {}), // it is gone
    answer: (request, answer) => asked.get(request)?.(answer),
    close() {
      closing = true
      pipe.closeInput()
      pipe.signal('SIGTERM')
    },
    signal: pipe.signal,
    ended: pipe.ended.then((end) => (closing ? undefined : reasonOf(end, ready, nonsense()))),
  }
}

/** Goes on with the agent's own session where it keeps them. */
async function begin({ cwd, resume }: AgentOrder, { agent }: ClientConnection): Promise<string> {
  const { agentCapabilities } = await agent.request(methods.agent.initialize, { protocolVersion: PROTOCOL_VERSION, clientCapabilities: {} })
  if (resume !== undefined && agentCapabilities?.loadSession === true) {
    await agent.request(methods.agent.session.load, { sessionId: resume, cwd, mcpServers: [] })
    return resume
  }
  return (await agent.request(methods.agent.session.new, { cwd, mcpServers: [] })).sessionId
}

function jsonOf(line: string): AnyMessage | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && 'jsonrpc' in value ? (value as AnyMessage) : undefined
  } catch {
    return undefined // no message
  }
}

function reasonOf(end: { exitCode?: number; signal?: string; errors: string }, ready: boolean, nonsense: number): AgentReason {
  const how = end.signal === undefined ? `with exit code ${end.exitCode ?? '?'}` : `by ${end.signal}`
  const errors = end.errors.trim().slice(-1_000)
  const said = errors === '' ? '' : ` It said: ${errors}`
  if (nonsense > 0 && !ready)
    return {
      code: 'agent-nonsense',
      message: `The program wrote ${nonsense} lines that are no messages of ACP, and ended ${how}.${said}`,
      cure: 'Name a command that speaks ACP over its standard streams.',
    }
  if (!ready)
    return { code: 'agent-exited', message: `The agent ended ${how} before it was ready.${said}`, cure: 'Start it by hand on that worker.' }
  return {
    code: 'agent-died',
    message: `The agent ended ${how} in the middle of its work.${said}`,
    cure: 'nimbus session resume goes on where it was.',
  }
}
