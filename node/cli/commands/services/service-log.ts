// The output of a service: that of the attempt that holds it, and with --follow that of each next one.
import type { LogChunk } from '../../../../protocols/http/views.ts'
import { createHoldingClock } from '../../../kernel/clock.ts'
import type { Client } from '../../client.ts'
import type { Cli } from '../../context.ts'
import { followTask } from '../../tasks/follow-task.ts'
import { createLogWriter } from '../../tasks/log-writer.ts'
import { watchTask } from '../../tasks/task-watcher.ts'

export async function showServiceLog(cli: Cli, client: Client, task: string, follow: boolean): Promise<void> {
  const write = createLogWriter(cli)
  if (!follow) {
    for await (const chunk of client.jsonLines<LogChunk>(`/api/tasks/${task}/log`, new AbortController().signal)) await write(chunk)
    return
  }
  const clock = createHoldingClock()
  const watcher = await watchTask(client, task, clock)
  try {
    await followTask(client, watcher, clock, {
      chunk: write,
      attempt: (attempt, before) => cli.note(`nimbus: ${before.workerName} lost it; it runs on ${attempt.workerName} now`),
      missing: (reason) => cli.note(`nimbus: ${reason}`),
    })
  } finally {
    watcher.stop()
  }
}
