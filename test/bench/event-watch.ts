// A client that follows one node's event stream and notes when each task is first told, on the machine's monotonic line.
import type { IncomingMessage } from 'node:http'
import { get } from 'node:http'
import { once } from 'node:events'
import type { TaskView } from '../../protocols/http/views.ts'
import type { RealNode } from '../support/real-mesh.ts'
import { nowMs } from './figures.ts'

export type EventWatch = {
  /** When the task was first told. */
  seenMs(task: string): number | undefined
  /** Tasks that were told to have ended, and when. */
  ended: ReadonlyMap<string, number>
  close(): void
}

export async function watchTasks(node: RealNode): Promise<EventWatch> {
  const seen = new Map<string, number>()
  const ended = new Map<string, number>()
  const request = get(`${node.ready.http}/api/events?types=task.updated`, {
    headers: { authorization: `Bearer ${node.token}`, accept: 'text/event-stream' },
  })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let rest = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    const atMs = nowMs()
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('data: ')) continue
      const { id, data } = JSON.parse(line.slice(6)) as { id?: string; data?: TaskView }
      if (id === undefined) continue
      if (!seen.has(id)) seen.set(id, atMs)
      if (
        data !== undefined &&
        ['succeeded', 'failed', 'dead', 'cancelled'].includes(data.state) &&
        data.provisional !== true &&
        !ended.has(id)
      )
        ended.set(id, atMs)
    }
  })
  response.on('error', () => {}) // the node went, or this watch was closed
  await once(response, 'data')
  return { seenMs: (task) => seen.get(task), ended, close: () => request.destroy() }
}
