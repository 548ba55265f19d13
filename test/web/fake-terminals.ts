// Terminals of the transport with no network.
import type { TerminalView } from '../../protocols/terminals/views.ts'
import { ApiError } from '../../web/src/transport/api-error.ts'
import type { Transport } from '../../web/src/transport/transport.ts'
import type { TerminalListener } from '../../web/src/transport/terminal-calls.ts'

export function createFakeTerminals(
  state: { terminals: TerminalView[]; attached: TerminalListener[] },
  answer: <Answer>(call: string, value: () => Answer) => Promise<Answer>,
  calls: string[],
): Transport['terminals'] {
  const find = (id: string): TerminalView => {
    const found = state.terminals.find((one) => one.id === id)
    if (found === undefined) throw new ApiError({ code: 'terminal-unknown', detail: `No terminal ${id}.`, status: 404 })
    return found
  }
  return {
    terminals: () => answer('terminals', () => [...state.terminals]),
    terminal: (id) => answer(`terminal ${id}`, () => find(id)),
    open: (draft) => answer(`open terminal ${JSON.stringify(draft)}`, () => find(state.terminals[0]?.id ?? '')),
    stop: (id) => answer(`stop terminal ${id}`, () => undefined),
    attach: (id, { mode }, listener) =>
      answer(`attach ${id} to ${mode}`, () => {
        state.attached.push(listener)
        return { say: (saying) => void calls.push(`say ${JSON.stringify(saying)}`), close: () => void calls.push(`leave ${id}`) }
      }),
  }
}
