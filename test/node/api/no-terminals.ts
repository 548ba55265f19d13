// The terminals of a node that has none.
import type { TerminalsPort } from '../../../node/api/routes/terminals/terminals-port.ts'
import { NimbusError } from '../../../node/kernel/errors.ts'

export const noTerminals: TerminalsPort = {
  list: () => [],
  find: () => undefined,
  link() {
    throw new NimbusError('terminal-unknown', 'There is no terminal.', { kind: 'missing' })
  },
}
