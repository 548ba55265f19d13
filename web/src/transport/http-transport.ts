// The transport over the real API of the node that served this page.
import type { InviteView, LogChunk, MeshView, Page, TaskView, WorkerView } from '../../../protocols/http/views.ts'
import type { PassView } from '../../../protocols/web/passes.ts'
import type { MessageView } from '../../../protocols/http/messages.ts'
import type { ScheduleView } from '../../../protocols/http/schedules.ts'
import { createAgentCalls } from './agent-calls.ts'
import { createCodeCalls } from './work/code-calls.ts'
import { createLineCalls } from './work/line-calls.ts'
import { openEventStream } from './event-stream.ts'
import { readLogChunks } from './log-stream.ts'
import { queryString } from './query-string.ts'
import { createRestClient } from './rest-client.ts'
import { createTerminalCalls } from './terminal-calls.ts'
import { createCostCalls } from './cost-calls.ts'
import { createWorkCalls } from './work-calls.ts'
import type { EventListener, LogQuery, Transport } from './transport.ts'

const ALIVE_WITHIN_MS = 1_500

export function createHttpTransport(options: { onSignedOut: () => void }): Transport {
  const rest = createRestClient({ fetch: (input, init) => fetch(input, init), onSignedOut: options.onSignedOut })
  const doors = {
    ticket: async () => (await rest.post<{ ticket: string }>('/api/events/ticket')).ticket,
    openSocket: (path: string) => new WebSocket(new URL(path, location.href.replace(/^http/, 'ws'))),
  }
  const taskPath = (id: string) => `/api/tasks/${encodeURIComponent(id)}`
  const workerPath = (id: string) => `/api/workers/${encodeURIComponent(id)}`

  async function* log(id: string, { from, follow, attempt }: LogQuery, signal: AbortSignal): AsyncIterable<LogChunk> {
    const query = queryString({ from, follow: follow ? 'true' : undefined, attempt })
    const response = await rest.send('GET', `${taskPath(id)}/log${query}`, { accept: 'application/x-ndjson', signal })
    if (response.body !== null) yield* readLogChunks(response.body)
  }

  return {
    session: () => rest.session(),
    mesh: () => rest.get<MeshView>('/api/mesh'),
    tasks: (query) => rest.get<Page<TaskView>>(`/api/tasks${queryString(query)}`),
    task: (id) => rest.get<TaskView>(taskPath(id)),
    publish: (draft) => rest.post<{ id: string; durability?: 'majority' | 'local' }>('/api/tasks', draft),
    cancel: (id) => rest.post<TaskView>(`${taskPath(id)}/cancel`),
    retry: (id) => rest.post<TaskView>(`${taskPath(id)}/retry`),
    command: (worker, verb) => rest.post<WorkerView>(`${workerPath(worker)}/${verb}`),
    invite: (draft) => rest.post<InviteView>('/api/invites', draft),
    schedules: async () => (await rest.get<Page<ScheduleView>>('/api/schedules?limit=500')).items,
    setSchedule: (name, verb) => rest.post<ScheduleView>(`/api/schedules/${encodeURIComponent(name)}/${verb}`),
    removeSchedule: async (name) => void (await rest.send('DELETE', `/api/schedules/${encodeURIComponent(name)}`)),
    messages: async (topic) => (await rest.get<Page<MessageView>>(`/api/messages${queryString({ limit: 200, topic })}`)).items,
    sendMessage: async (to, body) => void (await rest.post('/api/messages', { to, body })),
    readMessages: async (ids) => void (await rest.post('/api/messages/read', { ids })),
    agents: createAgentCalls(rest),
    work: createWorkCalls(rest),
    money: createCostCalls(rest),
    terminals: createTerminalCalls(rest, doors),
    code: createCodeCalls(rest),
    lines: createLineCalls(rest),
    log,
    logAddress: (id, attempt) => `${taskPath(id)}/log${queryString({ attempt })}`,
    passes: async () => (await rest.post<{ items: PassView[] }>('/api/session/passes')).items,
    alive: async () => void (await rest.send('GET', '/api/health', { signal: AbortSignal.timeout(ALIVE_WITHIN_MS) })),
    events: (listener: EventListener, since = '') => openEventStream({ ...doors, probe: () => rest.get('/api/health'), since }, listener),
  }
}
