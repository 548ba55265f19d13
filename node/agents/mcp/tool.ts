// What a tool of the mesh is: its schema, what it needs to be allowed, and its work, done through the REST API of a node with the
// caller's own token. Whatever goes wrong is told in words with a cure, never thrown at the protocol.
import type { CallToolResult, McpServer, ServerContext } from '@modelcontextprotocol/server'
import type * as z from 'zod'
import type { Verb } from '../../../protocols/agents/capability.ts'
import type { Clock } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'

/** One request to a node with the caller's token. Resolves with the JSON, or the text, of the answer. */
export type NodeCall = (
  method: 'GET' | 'POST',
  path: string,
  options?: { body?: unknown; signal?: AbortSignal; accept?: string },
) => Promise<unknown>

export type ToolRun = {
  call: NodeCall
  clock: Clock
  /** Fires when the client cancels the call or is gone. */
  signal: AbortSignal
  /** Tells the client how far a long call is, where it asked to be told. */
  progress(done: number, total: number, message: string): Promise<void>
  /** The task whose token this is. */
  task: string | undefined
}

export type MeshTool<Input extends z.ZodObject = z.ZodObject> = {
  name: string
  title: string
  description: string
  verb: Verb
  /** Offered only to tasks: it speaks of the caller's own work. */
  ofTask?: boolean
  input: Input
  readOnly: boolean
  /** May undo or overwrite something. */
  destructive?: boolean
  /** The same call again changes nothing more. */
  idempotent?: boolean
  run(input: z.output<Input>, run: ToolRun): Promise<object>
}

/** Keeps the types of input and work together where a tool is written down. */
export function meshTool<Input extends z.ZodObject>(tool: MeshTool<Input>): MeshTool {
  return tool
}

/** Characters of one answer: more would fill the memory of a model with one call. */
const ANSWER_CHARACTERS_MAX = 48 * 1024

export function addTool(server: McpServer, tool: MeshTool, components: Pick<ToolRun, 'call' | 'clock' | 'task'>): void {
  const { name, title, description, input, readOnly } = tool
  const annotations = {
    title,
    readOnlyHint: readOnly,
    destructiveHint: tool.destructive === true,
    idempotentHint: readOnly || tool.idempotent === true,
    openWorldHint: false,
  }
  server.registerTool(name, { title, description, inputSchema: input, annotations }, async (given, context) => {
    try {
      return answerOf(await tool.run(given, { ...components, signal: context.mcpReq.signal, progress: progressOf(context) }))
    } catch (error) {
      return failureOf(error)
    }
  })
}

function answerOf(answer: object): CallToolResult {
  const text = JSON.stringify(answer)
  if (text.length <= ANSWER_CHARACTERS_MAX) return { content: [{ type: 'text', text }] }
  throw new NimbusError('answer-too-large', `The answer has ${text.length} characters; ${ANSWER_CHARACTERS_MAX} is the limit.`, {
    kind: 'usage',
    cure: 'Ask for less: a lower limit, or one thing by its ID.',
  })
}

function failureOf(error: unknown): CallToolResult {
  const known = error instanceof NimbusError ? error : undefined
  const failure = {
    error: { code: known?.code ?? 'failed', message: messageOf(error), ...(known?.cure === undefined ? {} : { cure: known.cure }) },
  }
  return { isError: true, content: [{ type: 'text', text: JSON.stringify(failure) }] }
}

function progressOf({ mcpReq }: ServerContext): ToolRun['progress'] {
  const token = mcpReq._meta?.progressToken
  return async (progress, total, message) => {
    if (token === undefined || mcpReq.signal.aborted) return
    await mcpReq.notify({ method: 'notifications/progress', params: { progressToken: token, progress, total, message } })
  }
}
