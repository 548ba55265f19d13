// What somebody with a limited token publishes: its tasks may no more than the token, and open no secret.
import { TASK_VERBS } from '../../../protocols/agents/capability.ts'
import type { TaskRequest } from '../../../protocols/http/task-request.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Actor } from '../ports.ts'

/** @throws NimbusError `token-scope` or `verb-not-held`; operators pass unchanged, and tasks, which have a check of their own, but for agents that repair */
export function limitTasks(actor: Actor, requests: TaskRequest[]): TaskRequest[] {
  if (actor.kind !== 'operator' && requests.some(({ build }) => build?.repair !== undefined) && (actor.kind === 'task' || !actor.all))
    throw new NimbusError('token-scope', 'This token may publish no build that is repaired by an agent: that is money of the operator.', {
      kind: 'refused',
      cure: "Leave out --repair, or use the operator's token.",
    })
  if (actor.kind !== 'user' || actor.all) return requests
  return requests.map((request) => {
    if (request.kind === 'terminal' || request.secrets !== undefined || request.repoAuth !== undefined)
      throw new NimbusError(
        'token-scope',
        `The token ${actor.name} may publish no ${request.kind === 'terminal' ? 'terminals' : 'task with secrets'}.`,
        {
          kind: 'refused',
          cure: "Use the operator's token, or one made with --role operator.",
        },
      )
    const missing = request.may?.find((verb) => !actor.verbs.includes(verb))
    if (missing !== undefined)
      throw new NimbusError('verb-not-held', `The task may not be given the verb ${missing}: the token ${actor.name} does not hold it.`, {
        kind: 'refused',
        cure: `It may be given: ${actor.verbs.join(', ')}.`,
      })
    return { ...request, may: (request.may ?? TASK_VERBS).filter((verb) => verb === 'progress.report' || actor.verbs.includes(verb)) }
  })
}
