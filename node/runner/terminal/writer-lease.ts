// Who may write in a terminal: one client at a time. Who loses his connection keeps the lease for a moment, so that he finds it again;
// whoever takes it over, the one before is told.
import type { AttachMode, TerminalWriter } from '../../../protocols/terminals/frames.ts'
import { type Cancel, type Clock } from '../../kernel/clock.ts'

/** For a node that starts again, and a browser that reloads. */
const AWAY_MS = 15_000

export type WriterLease = {
  /** Whether this client writes from now on; false where somebody else does. */
  ask(client: string, who: string, mode: AttachMode): boolean
  isWriter(client: string): boolean
  current(): TerminalWriter | undefined
  /** His connection ended without a word. */
  away(client: string): void
  release(client: string): void
}

/** @param onChange `lost` is the client that did not give the lease up by himself */
export function createWriterLease(clock: Clock, onChange: (lost: string | undefined) => void): WriterLease {
  let held: { client: string; writer: TerminalWriter } | undefined
  let leaving: Cancel = () => {}
  const release = (client: string): void => {
    if (held?.client !== client) return
    leaving()
    held = undefined
    onChange(undefined)
  }
  return {
    ask(client, who, mode) {
      if (mode === 'read') return false
      if (held !== undefined && held.client !== client && mode !== 'take') return false
      const before = held?.client
      leaving()
      if (before === client) return true
      held = { client, writer: { who, since: clock.wallMs() } }
      onChange(before)
      return true
    },
    isWriter: (client) => held?.client === client,
    current: () => held?.writer,
    away(client) {
      if (held?.client !== client) return
      leaving()
      leaving = clock.after(AWAY_MS, () => release(client))
    },
    release,
  }
}
