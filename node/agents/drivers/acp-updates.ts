// Reads the updates of an ACP agent: pieces of text become one message, tool calls and their results become events of ours.
import type { SessionUpdate } from '@agentclientprotocol/sdk'
import type { AgentListener } from '../driver.ts'

/** Characters of one message that are gathered before it is handed on. */
const GATHERED_MAX = 8 * 1024

export type AcpReader = {
  update(update: SessionUpdate): void
  /** @returns what was said last */
  endTurn(): string
}

export function createAcpReader(listener: AgentListener): AcpReader {
  let gathered = ''
  let last = ''
  const flush = (): void => {
    if (gathered.trim() === '') return
    last = gathered
    gathered = ''
    listener.event({ type: 'message', text: last })
  }
  const result = (call: string, status: string | null | undefined, content: unknown): void => {
    if (status !== 'completed' && status !== 'failed') return
    listener.event({ type: 'tool-result', call, ok: status === 'completed', text: textOf(content) })
  }
  return {
    update(update) {
      listener.heard()
      switch (update.sessionUpdate) {
        case 'agent_message_chunk':
          if (update.content.type === 'text') gathered += update.content.text
          if (gathered.length >= GATHERED_MAX) flush()
          return
        case 'tool_call': {
          flush()
          const { toolCallId, title, rawInput, locations, status, content } = update
          const file = update.kind === 'edit' ? locations?.[0]?.path : undefined
          listener.event({
            type: 'tool',
            call: toolCallId,
            tool: title.slice(0, 200),
            input: JSON.stringify(rawInput ?? {}),
            ...(file === undefined ? {} : { file }),
          })
          return result(toolCallId, status, content)
        }
        case 'tool_call_update':
          return result(update.toolCallId, update.status, update.content)
        default:
          return
      }
    },
    endTurn() {
      flush()
      return last
    },
  }
}

/** The texts among the content of a tool call. */
function textOf(content: unknown): string {
  if (!Array.isArray(content)) return ''
  return content
    .map((item: { type?: string; content?: { type?: string; text?: string } }) =>
      item.type === 'content' && item.content?.type === 'text' ? (item.content.text ?? '') : '',
    )
    .join('')
}
