// A token for each run, valid while it runs: the work may ask this node things, never as its operator.
import type { TaskId } from '../../protocols/ids.ts'
import type { TaskTokens } from '../api/ports.ts'
import type { Random } from '../kernel/random.ts'

export type IssuedTokens = TaskTokens & { issue(task: TaskId, epoch: number): string; revoke(task: TaskId, epoch: number): void }

export function createTaskTokens(random: Random): IssuedTokens {
  const byRun = new Map<string, string>()
  const tasks = new Map<string, TaskId>()
  return {
    taskOf: (token) => tasks.get(token),
    issue(task, epoch) {
      const token = `nimw-${Buffer.from(random.bytes(32)).toString('base64url')}`
      byRun.set(`${task}/${epoch}`, token)
      tasks.set(token, task)
      return token
    },
    revoke(task, epoch) {
      const token = byRun.get(`${task}/${epoch}`)
      byRun.delete(`${task}/${epoch}`)
      if (token !== undefined) tasks.delete(token)
    },
  }
}
