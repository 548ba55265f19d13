// What the HTTP surface asks of the node behind it. The composition root hands in an object of this shape; api/ knows
// nothing else of the mesh, the queue or the store. A failed promise carries a NimbusError, whose kind becomes the status.
import type {
  EventView,
  InviteRequest,
  InviteView,
  LogChunk,
  MeshView,
  Page,
  PoolView,
  RetriedView,
  RetryRequest,
  TaskStateName,
  TaskView,
  WorkerView,
} from '../../protocols/http/views.ts'
import type { ProgressReport, TaskRequest } from '../../protocols/http/task-request.ts'
import type { ScheduleRequest, ScheduleView } from '../../protocols/http/schedules.ts'
import type { CounterView, LockEventView, LockView } from '../../protocols/http/names.ts'
import type { MessageRequest, MessageView, ReadAnswer, SentMessage } from '../../protocols/http/messages.ts'
import type { PassView } from '../../protocols/web/passes.ts'
import type { GroupView, RecoverRequest } from '../../protocols/http/groups.ts'
import type { ReposPort } from './repos-port.ts'
import type { ServiceRequest, ServiceView } from '../../protocols/http/services.ts'
import type { UpgradeView } from '../../protocols/http/upgrade.ts'
import type { HostedRepoView, HostRequest } from '../../protocols/http/hosted.ts'
import type { SessionsPort } from './routes/sessions/sessions-port.ts'
import type { SecretView } from '../../protocols/http/secrets.ts'
import type { CostsDesk } from '../agents/costs/budget-desk.ts'
import type { QuestionDesk } from '../agents/questions/desk.ts'
import type { Library } from '../knowledge/library.ts'
import type { HeldLocks } from '../agents/mcp/held-locks.ts'
import type { Verb } from '../../protocols/agents/capability.ts'
import type { BuildDetail, BuildView, ProvenanceView } from '../../protocols/builds/build-views.ts'
import type { TaskId } from '../../protocols/ids.ts'
import type { TokensPort } from './routes/access/tokens-port.ts'
import type { LogRow } from '../../protocols/logs/log-line-views.ts'
import type { LinesQuery } from './routes/tasks/lines-port.ts'
import type { TerminalsPort } from './routes/terminals/terminals-port.ts'

export type WorkerVerb = 'drain' | 'resume' | 'restart' | 'stop'

/** `cursor` is what an earlier page gave as `next`; `q` is a filter (protocols/filters); plain words are looked for in a task's ID, name and command line. */
export type TaskQuery = { limit: number; cursor?: string; q?: string; state?: TaskStateName; worker?: string; kind?: 'build' }

/**
 * `from` counts bytes of the attempt's output. `attempt` is its epoch; without it the newest attempt is read, and with
 * `follow` the first one is waited for. With `follow` the reading ends when that attempt ends; otherwise at once.
 */
export type LogQuery = { from: number; follow: boolean; attempt?: number; signal: AbortSignal }

/** `duplicates`: those that existed already under their key. */
export type Published = { ids: TaskId[]; duplicates: ReadonlySet<TaskId>; durability: 'majority' | 'local' }

/** The node may not be able to fill the gap since a cursor: it says so once and goes on from now. */
export type StreamEvent = EventView | { type: 'resync' }

/** Values go in and never come out. */
export type SecretPort = {
  list(): SecretView[]
  set(request: { name: string; value: string; workers?: string[] | undefined }): Promise<SecretView>
  grant(name: string, workers: readonly string[]): Promise<SecretView>
  remove(name: string): Promise<void>
}

/** Files by the hash of their content. */
export type BlobPort = {
  put(source: AsyncIterable<Uint8Array>): Promise<{ hash: string; size: number }>
  /** Fetched from another node first where it is not here. */
  open(
    hash: string,
    signal: AbortSignal,
  ): Promise<{ size: number; bytes: AsyncIterable<Uint8Array>; from(byte: number): AsyncIterable<Uint8Array> }>
}

export type BuildsPort = {
  list(query: TaskQuery): Page<BuildView>
  /** With the report of the run that ended it, where that can be reached. */
  find(id: string, signal: AbortSignal): Promise<BuildDetail | undefined>
  /** Rejects where signature, signer, record and content do not agree. */
  provenance(hash: string, signal: AbortSignal): Promise<ProvenanceView>
  /** What builds fetched under this key. @param task that asks, where one does: only a build is answered */
  cache(
    key: string,
    task: string | undefined,
    signal: AbortSignal,
  ): Promise<{ hash: string; size: number; bytes: AsyncIterable<Uint8Array> } | undefined>
}

export type NodePort = {
  terminals: TerminalsPort
  mesh(): MeshView
  workers(): WorkerView[]
  /** A worker by name or peer ID. */
  findWorker(nameOrId: string): WorkerView | undefined
  tasks(query: TaskQuery): Page<TaskView>
  task(id: string): TaskView | undefined
  /** @param parent the task that publishes, where one does */
  publish(requests: TaskRequest[], parent?: string): Promise<Published>
  /** The task itself, or one that it or its descendants published. */
  isBelow(task: string, ancestor: string): boolean
  /** Settles when the task has ended or the signal fires. A task that waits here (`by`) frees its slot. */
  waitFor(id: string, options: { by?: string; signal: AbortSignal }): Promise<TaskView>
  cancel(id: string): Promise<TaskView>
  /** Publishes the same work again as a new task that names this one as `retryOf`. */
  retry(id: string): Promise<TaskView>
  /** The same for several at once: those named, or all that ended so. */
  retryMany(which: RetryRequest): Promise<RetriedView & { durability: Published['durability'] }>
  pools(): PoolView[]
  setPool(name: string, paused: boolean): Promise<PoolView>
  /** Pieces of one attempt's output in order, from whichever node holds them; must stop when `signal` fires. */
  readLog(id: string, query: LogQuery): AsyncIterable<LogChunk>
  /** Lines of one attempt's output, looked for where it lies; must stop when `signal` fires. */
  readLines(id: string, query: LinesQuery): AsyncIterable<readonly LogRow[]>
  blobs: BlobPort
  builds: BuildsPort
  secrets: SecretPort
  tokens: TokensPort
  /** What a task that runs here says of itself. */
  reportProgress(id: string, report: ProgressReport): void
  invite(request: InviteRequest): Promise<InviteView>
  /** Carried to the worker over the mesh; resolves with what the worker says of itself afterwards. */
  command(peerId: string, verb: WorkerVerb): Promise<WorkerView>
  /** Removes a member from the mesh for good. */
  removeWorker(peerId: string): Promise<void>
  /** Hands over seats and work, then leaves the mesh for good. */
  leave(): Promise<void>
  /** Resolves when the stop has begun; the process ends by itself after the answer is out. */
  shutdown(request: { drain: boolean }): Promise<void>
  /**
   * Every event of the mesh since a cursor, then live; api/ filters. What a slow reader leaves behind is the source's to
   * bound: at its limit it drops and yields one `resync`. It must end when `signal` fires.
   */
  events(query: { since?: string; signal: AbortSignal }): AsyncIterable<StreamEvent>
  /** Prometheus text. */
  metrics(): Promise<string>
  /** For a page of this node: where it may go on when this node is gone. */
  passes: PassesPort
  messages: MessagesPort
  schedules: SchedulesPort
  services: ServicesPort
  names: NamesPort
  groups: GroupsPort
  repos: ReposPort
  hosting: HostingPort
  upgrade: UpgradePort
  sessions: SessionsPort
  costs: CostsPort
  questions: QuestionsPort
  knowledge: Library
  /** Locks for those who come and go: held until they say so, their time is over, or their task ends. */
  heldLocks: HeldLocks
}

export type PassesPort = { ask(): Promise<PassView[]> }

/** Bytes of a git client; both ways, each held back by the other. */
export type GitChannel = { read(): Promise<Uint8Array | undefined>; write(bytes: Uint8Array): Promise<void> }

/** Repositories that the mesh hosts. */
export type HostingPort = {
  list(): HostedRepoView[]
  find(name: string): HostedRepoView | undefined
  host(request: HostRequest): Promise<HostedRepoView>
  /** @param isLast also where nobody else has all of it */
  unhost(name: string, isLast: boolean): Promise<void>
  /** Opens one at a worker, or wherever it is kept with `mesh`; what it answers speaks git's own protocol over the channel. */
  open(worker: string, repo: string, service: 'upload' | 'receive'): Promise<(channel: GitChannel, gone: AbortSignal) => Promise<void>>
}

export type UpgradePort = {
  view(): UpgradeView
  /** Resolves when it is begun. @throws NimbusError `follows-nothing`, or why it cannot be done */
  order(order: 'pause' | 'resume' | 'now' | 'rollback'): Promise<void>
  /** As an admin of the mesh. */
  vouch(commit: string | undefined): Promise<void>
}

/** What sessions cost, and budgets. */
export type CostsPort = CostsDesk
export type QuestionsPort = Omit<QuestionDesk, 'own' | 'note'>

export type GroupsPort = {
  list(): GroupView[]
  find(name: string): GroupView | undefined
  /** An admin's step; refused while a majority is here, and until he says yes. Resolves when the group goes on. */
  recover(name: string, request: RecoverRequest): Promise<GroupView>
}

export type NamesPort = {
  locks(): LockView[]
  /** Waits for the lock, then holds it until the signal fires or it is lost. */
  hold(name: string, order: { waitMs: number | undefined; ttlMs: number | undefined; signal: AbortSignal }): AsyncIterable<LockEventView>
  counters(): CounterView[]
  counter(name: string): CounterView | undefined
  add(name: string, by: number): Promise<CounterView>
}

export type MessageQuery = { limit: number; cursor?: string; q?: string; topic?: string; unread: boolean }

/** `asker` is the task that asks with its own token; undefined for the operator, who stands for this worker. */
export type MessagesPort = {
  send(asker: string | undefined, request: MessageRequest): Promise<SentMessage>
  /** The asker's unread messages, or those of a topic; oldest first. */
  list(asker: string | undefined, query: MessageQuery): Page<MessageView>
  find(asker: string | undefined, id: string): MessageView | undefined
  markRead(asker: string | undefined, ids: readonly string[]): Promise<ReadAnswer>
}

/** Who calls: the operator of this node, a task that runs on it with a token of its own, or a holder of a token of the mesh; `all` is as the operator. */
export type Actor =
  | { kind: 'operator' }
  | { kind: 'task'; task: string; verbs: readonly Verb[] }
  | { kind: 'user'; token: string; name: string; all: boolean; verbs: readonly Verb[] }

/** Tokens that the node gave to the tasks it runs. */
export type TaskTokens = { taskOf(token: string): string | undefined; verbsOf(task: string): readonly Verb[] }

export type SchedulesPort = {
  /** By name. */
  list(): ScheduleView[]
  find(name: string): ScheduleView | undefined
  add(request: ScheduleRequest): Promise<ScheduleView>
  remove(name: string): Promise<void>
  setPaused(name: string, paused: boolean): Promise<ScheduleView>
}

export type ServicesPort = {
  /** By name. */
  list(): ServiceView[]
  find(name: string): ServiceView | undefined
  /** Starts it, or brings it forward to this. */
  start(request: ServiceRequest): Promise<ServiceView>
  stop(name: string): Promise<ServiceView>
  restart(name: string): Promise<ServiceView>
  /** To this revision, or to the one before. */
  rollback(name: string, revision?: number): Promise<ServiceView>
  remove(name: string): Promise<void>
}
