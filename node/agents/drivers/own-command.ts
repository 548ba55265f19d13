// What drivers share whose agent is named by the session: its words, and the little of the environment that it gets.
import { NimbusError } from '../../kernel/errors.ts'
import type { AgentOrder } from '../driver.ts'

export function commandOf({ command }: AgentOrder, driver: string): readonly string[] {
  if (command !== undefined && command.length > 0) return command
  throw new NimbusError('agent-absent', `The driver ${driver} has no agent of its own, and the session names no command.`, {
    kind: 'usage',
    cure: 'Name it: nimbus session start --driver NAME "prompt" -- COMMAND ARGS.',
  })
}

export function plainEnvironment({ home, environment }: AgentOrder): Record<string, string> {
  const { PATH, LANG } = environment
  return { PATH: PATH ?? '/usr/local/bin:/usr/bin:/bin', HOME: home, ...(LANG === undefined ? {} : { LANG }) }
}
