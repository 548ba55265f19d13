// The drivers of this version, by name. Another agent is one more line here.
import { NimbusError } from '../../kernel/errors.ts'
import type { AgentDriver } from '../driver.ts'
import { claudeCode } from './claude-code.ts'

const DRIVERS: readonly AgentDriver[] = [claudeCode]

export function findDriver(name: string): AgentDriver {
  const found = DRIVERS.find((driver) => driver.name === name)
  if (found !== undefined) return found
  throw new NimbusError('driver-unknown', `This worker has no driver ${JSON.stringify(name)} for agents.`, {
    kind: 'usage',
    cure: `Use one of these: ${DRIVERS.map((driver) => driver.name).join(', ')}.`,
  })
}
