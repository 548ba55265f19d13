// What the HTTP surface asks of the node about terminals.
import type { AttachMode } from '../../../../protocols/terminals/frames.ts'
import type { TerminalView } from '../../../../protocols/terminals/views.ts'
import type { TerminalLink } from '../../../terminals/terminal-link.ts'

/** Terminals of the whole mesh. */
export type TerminalsPort = {
  list(): TerminalView[]
  find(id: string): TerminalView | undefined
  /** A client's way to one; it reads the frames and says what it has to say. */
  link(id: string, request: { client?: string | undefined; who: string; mode: AttachMode; history: number }): TerminalLink
}
