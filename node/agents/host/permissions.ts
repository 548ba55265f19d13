// Who may say yes: the lists of the session first, then a person. The first answer to a request counts, however many come.
import type { AgentSpec } from '../../../protocols/tasks/task-spec.ts'
import type { AgentEvent } from '../../../protocols/agents/agent-events.ts'
import type { PermissionAnswer, PermissionRequest } from '../driver.ts'
import type { GivenOrder } from './notes/host-order.ts'

export type Verdict = 'allow' | 'ask' | 'deny'
export type Permissions = {
  request(request: PermissionRequest): void
  /** @returns why the answer did not count */
  decide(order: GivenOrder): string | undefined
  /** Requests that wait for a person. */
  waiting(): number
  /** The agent is gone: nobody waits for an answer any more. */
  forget(): void
}

/** Decisions that are remembered, to tell a second answer who was first. */
const DECIDED_MAX = 64

export function createPermissions(
  spec: Pick<AgentSpec, 'allow' | 'ask' | 'deny' | 'permission'>,
  ports: { answer(request: string, answer: PermissionAnswer): void; emit(event: AgentEvent): void },
): Permissions {
  const waiting = new Map<string, PermissionRequest>()
  const decided = new Map<string, string>()
  const settle = (request: string, answer: PermissionAnswer, by: string, order?: string): void => {
    waiting.delete(request)
    decided.set(request, by)
    if (decided.size > DECIDED_MAX) decided.delete(decided.keys().next().value as string)
    ports.emit({
      type: 'decided',
      request,
      allow: answer.allow,
      by,
      ...(order === undefined ? {} : { order }),
      ...(answer.message === undefined ? {} : { note: answer.message.slice(0, 2_000) }),
    })
    ports.answer(request, answer)
  }
  return {
    request(request) {
      const verdict = verdictOf(spec, request.tool)
      if (verdict === 'allow') return ports.answer(request.request, { allow: true })
      if (verdict === 'deny')
        return settle(
          request.request,
          { allow: false, message: `The rules of this session refuse ${request.tool}.` },
          'the rules of the session',
        )
      waiting.set(request.request, request)
      ports.emit({ type: 'ask', request: request.request, tool: request.tool, input: JSON.stringify(request.input ?? {}) })
    },
    decide({ id, request = '', allow, text, by }) {
      const first = decided.get(request)
      if (first !== undefined) return `${first} had answered it before`
      if (!waiting.has(request)) return 'no such request waits'
      settle(request, { allow: allow === true, ...(text === undefined || text === '' ? {} : { message: text }) }, by, id)
      return undefined
    },
    waiting: () => waiting.size,
    forget: () => waiting.clear(),
  }
}

/** A name, or a name that ends with `*`. The stricter list wins. */
export function verdictOf(
  { allow = [], ask = [], deny = [], permission = 'allow' }: Pick<AgentSpec, 'allow' | 'ask' | 'deny' | 'permission'>,
  tool: string,
): Verdict {
  const names = (list: readonly string[]): boolean =>
    list.some((one) => one === tool || (one.endsWith('*') && tool.startsWith(one.slice(0, -1))))
  if (names(deny)) return 'deny'
  if (names(ask)) return 'ask'
  return names(allow) ? 'allow' : permission
}
