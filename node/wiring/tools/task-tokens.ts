// A token for each run, valid while it runs: the work may ask this node things, never as its operator. What it may follows from signed
// records and is looked at anew each time; what it holds goes with it.
import type { TaskId, Term } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import { createAllowance } from '../../agents/capability/allowance.ts'
import { assertCapability, capabilityOf } from '../../agents/capability/capability.ts'
import type { HeldLocks } from '../../agents/mcp/held-locks.ts'
import { createHeldLocks } from '../../agents/mcp/held-locks.ts'
import type { NodePort, TaskTokens } from '../../api/ports.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Engine } from '../../tasks/engine.ts'

export type IssuedTokens = TaskTokens & {
  /** @throws NimbusError where a task with this spec may not run: another node let it through */
  issue(order: { task: TaskId; epoch: number; term: Term; spec: TaskSpec }): string
  revoke(task: TaskId, epoch: number): void
  /** The specs as a task may publish them. */
  grant(parent: TaskId, specs: readonly TaskSpec[]): TaskSpec[]
  heldLocks: HeldLocks
}

export function createTaskTokens(components: {
  clock: Clock
  random: Random
  engine(): Pick<Engine, 'fold' | 'families' | 'leaseMs'>
  node(): Pick<NodePort, 'names' | 'task'>
  onError(error: unknown): void
}): IssuedTokens {
  const { clock, random } = components
  const byRun = new Map<string, string>()
  const runs = new Map<string, { task: TaskId; term: Term | undefined }>()
  const specOf = (task: TaskId): TaskSpec | undefined => components.engine().fold.task(task)?.task?.spec
  const allowance = createAllowance({
    clock,
    specOf,
    outcomeOf(task) {
      const value = components.engine().fold.task(task)?.value
      return value?.state === 'settled' ? value.outcome : undefined
    },
    children: (task) => components.engine().families.children(task),
    costOf: (task) => components.node().task(task)?.progress?.costUsd,
  })
  const heldLocks = createHeldLocks({
    clock,
    hold: (name, order) => components.node().names.hold(name, order),
    onError: components.onError,
  })
  return {
    heldLocks,
    grant: allowance.grant,
    taskOf(token) {
      const run = runs.get(token)
      // A node that stood still may go on before it hears that its work runs elsewhere by now: what that says must not count.
      if (run?.term !== undefined && components.engine().leaseMs(run.term) <= 0) throw unsure(run.task)
      return run?.task
    },
    verbsOf(task) {
      const spec = specOf(task as TaskId)
      return spec === undefined ? [] : capabilityOf(spec, specOf).verbs
    },
    issue({ task, epoch, term, spec }) {
      assertCapability(spec, specOf)
      const token = `nimw-${Buffer.from(random.bytes(32)).toString('base64url')}`
      byRun.set(`${task}/${epoch}`, token)
      // Available work may run twice, and a terminal stays where it is.
      runs.set(token, { task, term: spec.claim === 'available' || spec.kind === 'terminal' ? undefined : term })
      return token
    },
    revoke(task, epoch) {
      const token = byRun.get(`${task}/${epoch}`)
      byRun.delete(`${task}/${epoch}`)
      if (token === undefined) return
      runs.delete(token)
      heldLocks.endOf(task)
    },
  }
}

function unsure(task: TaskId): NimbusError {
  return new NimbusError('lease-unsure', `This worker is not sure that it still holds task ${task}: its lease has run out.`, {
    kind: 'unreachable',
    cure: 'Ask again: it is renewed in a moment, or the task runs elsewhere and this process is ended.',
  })
}
