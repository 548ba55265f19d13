// What the dashboard asks of a node about terminals, and the one socket of an attached page.
import type { AttachMode, TerminalSaying } from '../../../protocols/terminals/frames.ts'
import { type RawFrame, decodeFrame } from '../../../protocols/terminals/frame-bytes.ts'
import type { TerminalView } from '../../../protocols/terminals/views.ts'
import type { Page } from '../../../protocols/http/views.ts'

/** What is needed of the REST client. */
type Rest = { get<Answer>(path: string): Promise<Answer>; post<Answer>(path: string, body?: unknown): Promise<Answer> }

export type TerminalDraft = { argv: string[]; worker?: string; name?: string }
/** `client`: what this page is known by when it comes again. */
export type Attachment = { client: string; mode: AttachMode }
export type TerminalListener = {
  frame(frame: RawFrame): void
  /** The node broke off, or is gone. */
  closed(reason: string): void
}
export type TerminalWire = { say(saying: TerminalSaying): void; close(): void }

export type TerminalCalls = {
  /** Those that have not ended. */
  terminals(): Promise<readonly TerminalView[]>
  terminal(id: string): Promise<TerminalView>
  open(draft: TerminalDraft): Promise<TerminalView>
  /** Ends it and everything that runs in it. */
  stop(id: string): Promise<void>
  /** @throws ApiError where the node lets nobody in */
  attach(id: string, attachment: Attachment, listener: TerminalListener): Promise<TerminalWire>
}

export function createTerminalCalls(
  rest: Rest,
  { ticket, openSocket }: { ticket(): Promise<string>; openSocket(path: string): WebSocket },
): TerminalCalls {
  const path = (id: string) => `/api/terminals/${encodeURIComponent(id)}`
  return {
    terminals: async () => (await rest.get<Page<TerminalView>>('/api/terminals')).items,
    terminal: (id) => rest.get<TerminalView>(path(id)),
    open: (draft) => rest.post<TerminalView>('/api/terminals', draft),
    stop: async (id) => void (await rest.post(`/api/tasks/${encodeURIComponent(id)}/cancel`)),
    async attach(id, { client, mode }, listener) {
      const query = new URLSearchParams({ client, mode, as: 'the dashboard', ticket: await ticket() })
      const socket = openSocket(`${path(id)}/socket?${query.toString()}`)
      socket.binaryType = 'arraybuffer'
      let closed = false
      socket.onmessage = ({ data }) => {
        const frame = data instanceof ArrayBuffer ? decodeFrame(new Uint8Array(data)) : undefined
        if (frame !== undefined && !closed) listener.frame(frame)
      }
      socket.onclose = ({ reason }) => {
        if (!closed) listener.closed(reason || 'the node closed the connection or is gone')
      }
      return {
        say: (saying) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(saying)),
        close() {
          closed = true
          socket.close(1000)
        },
      }
    },
  }
}
