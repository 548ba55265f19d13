// What the token of a task may do, from signed records alone, so that every node computes the same: its spec names verbs, and nobody
// hands on more than it has. Agents that start agents are counted along the line.
import type { Verb } from '../../../protocols/agents/capability.ts'
import { TASK_VERBS, VERBS } from '../../../protocols/agents/capability.ts'
import type { TaskId } from '../../../protocols/ids.ts'
import { FAMILY_DEPTH_MAX } from '../../../protocols/limits.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import { NimbusError } from '../../kernel/errors.ts'

/** An agent may start agents, and those none: the third level is refused. */
const AGENT_DEPTH_MAX = 2
/** Tasks that an agent may publish: in all, and in a minute. Other tasks have the limits of families. */
export const AGENT_TASKS_MAX = 50
export const AGENT_TASKS_A_MINUTE_MAX = 20

export type Capability = {
  verbs: readonly Verb[]
  /** Agents in its line, itself included. */
  agentDepth: number
}

type SpecOf = (task: TaskId) => TaskSpec | undefined

export function isAgent(spec: TaskSpec): boolean {
  return spec.kind === 'agent'
}

/** Of a task that is published with this spec. An ancestor whose record is not here lends nothing. */
export function capabilityOf(spec: TaskSpec, specOf: SpecOf): Capability {
  let verbs = ownVerbs(spec)
  let agentDepth = isAgent(spec) ? 1 : 0
  let parent = spec.parent
  for (let depth = 0; parent !== undefined && depth <= FAMILY_DEPTH_MAX; depth++) {
    const above = specOf(parent)
    if (above === undefined) return { verbs: verbs.filter((verb) => TASK_VERBS.includes(verb)), agentDepth: AGENT_DEPTH_MAX }
    const held = ownVerbs(above)
    verbs = verbs.filter((verb) => held.includes(verb))
    if (isAgent(above)) agentDepth += 1
    parent = above.parent
  }
  return { verbs, agentDepth }
}

/** @throws NimbusError where the spec asks for what its line does not have: at the node that publishes, and again where it would run */
export function assertCapability(spec: TaskSpec, specOf: SpecOf): void {
  const { verbs, agentDepth } = capabilityOf(spec, specOf)
  if (isAgent(spec) && agentDepth > AGENT_DEPTH_MAX)
    throw new NimbusError(
      'agents-too-deep',
      `An agent was started by an agent that an agent started: ${agentDepth} levels; ${AGENT_DEPTH_MAX} is the limit.`,
      {
        kind: 'refused',
        cure: 'Let the agent above start it, or publish a shell task.',
      },
    )
  const refused = (spec.may ?? []).find((verb) => !verbs.includes(verb as Verb))
  if (refused === undefined) return
  throw new NimbusError('verb-not-held', `The task may not be given the verb ${refused}: whoever publishes it does not hold it.`, {
    kind: 'refused',
    cure: `It may be given: ${verbs.join(', ')}.`,
  })
}

function ownVerbs(spec: TaskSpec): readonly Verb[] {
  if (spec.may === undefined) return isAgent(spec) ? VERBS : TASK_VERBS
  return VERBS.filter((verb) => spec.may?.includes(verb))
}
