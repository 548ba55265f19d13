// What the dashboard asks of a node. Models know this and never fetch or sockets, so views are tested against a fake.
import type { EventView, InviteView, LogChunk, MeshView, Page, TaskStateName, TaskView, WorkerView } from '../../../protocols/http/views.ts'
import type { PassView } from '../../../protocols/web/passes.ts'
import type { MessageView } from '../../../protocols/http/messages.ts'
import type { ScheduleView } from '../../../protocols/http/schedules.ts'
import type { TaskRequest } from '../../../protocols/http/task-request.ts'
import type { AgentCalls } from './agent-calls.ts'
import type { CostCalls } from './cost-calls.ts'
import type { TerminalCalls } from './terminal-calls.ts'
import type { CodeCalls } from './work/code-calls.ts'
import type { LineCalls } from './work/line-calls.ts'
import type { WorkCalls } from './work-calls.ts'

export type Session = { signedIn: boolean; auth: 'token' | 'none' }
export type TaskQuery = { limit?: number; cursor?: string; q?: string; state?: TaskStateName; worker?: string }
/** `attempt` is an epoch. */
export type LogQuery = { from: number; follow: boolean; attempt: number }
export type WorkerVerb = 'drain' | 'resume' | 'stop'
/** The body of a publish, as a form can know it: the node applies the defaults. */
export type TaskDraft = Partial<Omit<TaskRequest, 'argv'>> & { argv: string[] }
export type InviteDraft = { role: 'admin' | 'member' | 'viewer'; uses: number; expires: string }

export type StreamState =
  | { kind: 'connecting' }
  | { kind: 'live'; since: number }
  /** `since` is when the last live moment ended, `retryAt` when the next try starts. */
  | { kind: 'reconnecting'; since: number; retryAt: number; reason: string }

export type EventListener = {
  event(event: EventView): void
  /** A gap that cannot be filled: everything shown must be fetched again. */
  resync(): void
  state(state: StreamState): void
  /** The node no longer knows this session. */
  signedOut(): void
}

export type Transport = {
  session(): Promise<Session>
  mesh(): Promise<MeshView>
  tasks(query: TaskQuery): Promise<Page<TaskView>>
  task(id: string): Promise<TaskView>
  publish(draft: TaskDraft): Promise<{ id: string; durability?: 'majority' | 'local' }>
  cancel(id: string): Promise<TaskView>
  retry(id: string): Promise<TaskView>
  command(worker: string, verb: WorkerVerb): Promise<WorkerView>
  invite(draft: InviteDraft): Promise<InviteView>
  schedules(): Promise<readonly ScheduleView[]>
  setSchedule(name: string, verb: 'pause' | 'resume'): Promise<ScheduleView>
  removeSchedule(name: string): Promise<void>
  /** Unread ones to this node, or those of a topic. */
  messages(topic: string): Promise<readonly MessageView[]>
  sendMessage(to: { worker: string } | { topic: string }, body: string): Promise<void>
  readMessages(ids: readonly string[]): Promise<void>
  agents: AgentCalls
  work: WorkCalls
  money: CostCalls
  terminals: TerminalCalls
  code: CodeCalls
  lines: LineCalls
  /** The output of one attempt from a raw byte offset; with `follow` it ends when that attempt ends. */
  log(id: string, query: LogQuery, signal: AbortSignal): AsyncIterable<LogChunk>
  /** Where a browser downloads it. */
  logAddress(id: string, attempt: number): string
  /** Where this page may go on when its node is gone. */
  passes(): Promise<readonly PassView[]>
  /** Rejects where the node does not answer within a second or two. */
  alive(): Promise<void>
  /** Starts the one event stream, behind a cursor where there is one; the answer ends it. */
  events(listener: EventListener, since?: string): () => void
}
