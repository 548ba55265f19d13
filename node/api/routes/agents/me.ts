// Who asks, as this node knows it by the token, and what it may.
import type { CallerView } from '../../../../protocols/agents/capability.ts'
import { callerView, VERBS } from '../../../../protocols/agents/capability.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import type { Actor } from '../../ports.ts'

export function meRoute(): Api {
  const api = createRoutes()
  api.get(
    '/api/me',
    describe({
      id: 'whoAmI',
      tag: 'session',
      summary: 'Whose token this is, and what it may',
      answers: { 200: { text: 'The caller', schema: callerView } },
    }),
    (c) => c.json(viewOf(c.var.caller.actor)),
  )
  return api
}

function viewOf(actor: Actor): CallerView {
  if (actor.kind === 'operator') return { kind: 'operator', verbs: [...VERBS] }
  if (actor.kind === 'user') return { kind: 'user', name: actor.name, verbs: actor.all ? [...VERBS] : [...actor.verbs] }
  return { kind: 'task', task: actor.task, verbs: [...actor.verbs] }
}
