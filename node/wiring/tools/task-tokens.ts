// A token for each run, valid while it runs: the work may ask this node things, never as its operator. What it may follows from signed
// records and is looked at anew each time; what it holds goes with it.
import type { TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import { createAllowance } from '../../agents/capability/allowance.ts'
import { assertCapability, capabilityOf } from '../../agents/capability/capability.ts'
import type { HeldLocks } from '../../agents/mcp/held-locks.ts'
import { createHeldLocks } from '../../agents/mcp/held-locks.ts'
import type { NodePort, TaskTokens } from '../../api/ports.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { Engine } from '../../tasks/engine.ts'

export type IssuedTokens = TaskTokens & {
  /** @throws NimbusError where a task with this spec may not run: another node let it through */
  issue(order: { task: TaskId; epoch: number; spec: TaskSpec }): string
  revoke(task: TaskId, epoch: number): void
  /** The specs as a task may publish them. */
  grant(parent: TaskId, specs: readonly TaskSpec[]): TaskSpec[]
  heldLocks: HeldLocks
}

export function createTaskTokens(components: {
  clock: Clock
  random: Random
  engine(): Pick<Engine, 'fold' | 'families'>
  node(): Pick<NodePort, 'names' | 'task'>
  onError(error: unknown): void
}): IssuedTokens {
  const { clock, random } = components
  const byRun = new Map<string, string>()
  const tasks = new Map<string, TaskId>()
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
    taskOf: (token) => tasks.get(token),
    verbsOf(task) {
      const spec = specOf(task as TaskId)
      return spec === undefined ? [] : capabilityOf(spec, specOf).verbs
    },
    issue({ task, epoch, spec }) {
      assertCapability(spec, specOf)
      const token = `nimw-${Buffer.from(random.bytes(32)).toString('base64url')}`
      byRun.set(`${task}/${epoch}`, token)
      tasks.set(token, task)
      return token
    },
    revoke(task, epoch) {
      const token = byRun.get(`${task}/${epoch}`)
      byRun.delete(`${task}/${epoch}`)
      if (token === undefined) return
      tasks.delete(token)
      heldLocks.endOf(task)
    },
  }
}
