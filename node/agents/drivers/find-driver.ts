// The drivers of this version, by name. Another agent is one more line here.
import { NimbusError } from '../../kernel/errors.ts'
import type { AgentDriver } from '../driver.ts'
import { acpAgent } from './acp.ts'
import { claudeCode } from './claude-code.ts'
import { plainCommand } from './plain-command.ts'

const DRIVERS: readonly AgentDriver[] = [claudeCode, acpAgent, plainCommand]

export function findDriver(name: string): AgentDriver {
  const found = DRIVERS.find((driver) => driver.name === name)
  if (found !== undefined) return found
  throw new NimbusError('driver-unknown', `This worker has no driver ${JSON.stringify(name)} for agents.`, {
    kind: 'usage',
    cure: `Use one of these: ${DRIVERS.map((driver) => driver.name).join(', ')}.`,
  })
}
