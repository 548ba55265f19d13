// The models of one page, wired: what the node tells goes to the store it belongs to, once a frame. Views read this and
// call its actions; nothing above it knows the transport.
import { type ReadonlySignal, type Signal, batch, signal } from '@preact/signals'
import type { EventView, MeshView, TaskView, WorkerView } from '../../../protocols/http/views.ts'
import type { MessageView } from '../../../protocols/http/messages.ts'
import type { ScheduleView } from '../../../protocols/http/schedules.ts'
import type { BudgetView, CostsView } from '../../../protocols/agents/cost-views.ts'
import type { QuestionView } from '../../../protocols/agents/question-views.ts'
import type { HostedRepoView } from '../../../protocols/http/hosted.ts'
import type { RepoView } from '../../../protocols/http/repos.ts'
import type { ServiceView } from '../../../protocols/http/services.ts'
import type { SessionView } from '../../../protocols/http/sessions.ts'
import type { TerminalView } from '../../../protocols/terminals/views.ts'
import { type ApiError, asApiError } from '../transport/api-error.ts'
import type { Session, StreamState, Transport } from '../transport/transport.ts'
import { type Activity, createActivity } from './activity.ts'
import { type BuildList, createBuildList } from './code/build-list.ts'
import { createEventQueue } from './event-queue.ts'
import { type Fleet, createFleet } from './fleet.ts'
import { type LiveList, createLiveList } from './live-list.ts'
import { type TaskList, createTaskList } from './task-list.ts'
import { type TaskStore, createTaskStore } from './task-store.ts'

/** Counts by state come with the mesh; after a change they are asked for again at most this often. */
const COUNTS_AFTER_MS = 1_500
const SESSION_POLL_MS = 3_000
/** Load and round trips change without an event; a hidden page does not ask. */
const MESH_EVERY_MS = 10_000
const COST_GROUPS = ['day', 'worker', 'repo', 'model'] as const

export type Entry =
  | { kind: 'checking' }
  | { kind: 'signed-out' }
  | { kind: 'in'; auth: Session['auth'] }
  | { kind: 'unreachable'; error: ApiError }

export type Dashboard = {
  transport: Transport
  entry: ReadonlySignal<Entry>
  stream: ReadonlySignal<StreamState>
  /** Of the last event that came; empty before the first one. */
  cursor(): string
  loadError: ReadonlySignal<ApiError | undefined>
  fleet: Fleet
  tasks: TaskStore
  list: TaskList
  activity: Activity
  schedules: LiveList<ScheduleView>
  messages: LiveList<MessageView>
  sessions: LiveList<SessionView>
  questions: LiveList<QuestionView>
  services: LiveList<ServiceView>
  /** By day, worker, repository and model. */
  costs: LiveList<CostsView>
  budgets: LiveList<BudgetView>
  /** Those that have not ended. */
  terminals: LiveList<TerminalView>
  builds: BuildList
  repos: LiveList<RepoView>
  hosted: LiveList<HostedRepoView>
  /** Whose messages are shown; empty for the inbox of this node. */
  messageTopic: Signal<string>
  /** The dialog that is open over the page. */
  dialog: Signal<'none' | 'palette' | 'publish' | 'invite' | 'shortcuts'>
  start(): Promise<void>
  stop(): void
  refresh(): Promise<void>
  /** Fetches one task into the store. */
  loadTask(id: string): Promise<void>
  takeTask(task: TaskView): void
  takeWorker(worker: WorkerView): void
  signedOut(): void
}

/** @param since the cursor that this page had at another node */
export function createDashboard(transport: Transport, since = ''): Dashboard {
  const entry = signal<Entry>({ kind: 'checking' })
  const stream = signal<StreamState>({ kind: 'connecting' })
  const loadError = signal<ApiError | undefined>(undefined)
  const fleet = createFleet()
  const tasks = createTaskStore()
  const list = createTaskList(tasks, transport)
  const activity = createActivity()
  const lists = createLists(transport)
  const queue = createEventQueue({ apply, overflow: () => void refresh() })
  let counts: ReturnType<typeof setTimeout> | undefined
  let poll: ReturnType<typeof setTimeout> | undefined
  let meshEvery: ReturnType<typeof setInterval> | undefined
  let closeEvents: (() => void) | undefined
  let cursor = since

  const takeTask = (task: TaskView): void => activity.taskChanged(tasks.replace(task), task)
  const takeWorker = (worker: WorkerView): void => activity.workerChanged(fleet.setWorker(worker), worker)

  async function refresh(): Promise<void> {
    refreshLists(lists)
    try {
      const [mesh, running, failed, dead, urgent] = await Promise.all([
        transport.mesh(),
        transport.tasks({ limit: 100, state: 'running' }),
        transport.tasks({ limit: 50, state: 'failed' }),
        transport.tasks({ limit: 50, state: 'dead' }),
        transport.tasks({ limit: 50, q: 'is:open priority:>5' }),
        list.load(),
      ])
      batch(() => {
        fleet.setMesh(mesh)
        for (const page of [running, failed, dead, urgent]) for (const task of page.items) tasks.put(task)
        activity.begin(tasks.all.peek())
        loadError.value = undefined
      })
    } catch (thrown) {
      loadError.value = asApiError(thrown)
    }
  }

  function apply(event: EventView): void {
    if (event.data === null || typeof event.data !== 'object') return
    noteChange(lists, event.type)
    if (event.type === 'mesh.updated') fleet.setMesh(event.data as MeshView)
    else if (event.type === 'worker.updated') takeWorker(event.data as WorkerView)
    else if (event.type === 'task.updated') {
      takeTask(event.data as TaskView)
      if ((event.data as TaskView).spec.kind === 'terminal') lists.terminals.changed()
      counts ??= setTimeout(refreshMesh, COUNTS_AFTER_MS)
    }
  }

  function refreshMesh(): void {
    counts = undefined
    // A failure here shows as a stream that is not live; the next change asks again.
    transport.mesh().then(fleet.setMesh, () => undefined)
  }

  function enter(session: Session): void {
    entry.value = { kind: 'in', auth: session.auth }
    closeEvents?.()
    closeEvents = transport.events({ event: receive, resync: () => void refresh(), state: setStream, signedOut }, cursor)
    clearInterval(meshEvery)
    meshEvery = setInterval(() => {
      if (!document.hidden && stream.peek().kind === 'live') refreshMesh()
    }, MESH_EVERY_MS)
    void refresh()
  }

  function receive(event: EventView): void {
    cursor = event.cursor
    queue.push(event)
  }

  function setStream(state: StreamState): void {
    const back = state.kind === 'live' && stream.peek().kind === 'reconnecting'
    stream.value = state
    if (back) refreshMesh()
  }

  function signedOut(): void {
    closeEvents?.()
    closeEvents = undefined
    clearInterval(meshEvery)
    if (entry.peek().kind !== 'signed-out') entry.value = { kind: 'signed-out' }
    clearTimeout(poll)
    // The sign-in link may be opened in another tab: this one follows by itself.
    poll = setTimeout(() => (document.hidden ? signedOut() : void start()), SESSION_POLL_MS)
  }

  async function start(): Promise<void> {
    try {
      const session = await transport.session()
      if (session.signedIn || session.auth === 'none') enter(session)
      else signedOut()
    } catch (thrown) {
      const error = asApiError(thrown)
      if (error.status === 401) return signedOut()
      entry.value = { kind: 'unreachable', error }
      poll = setTimeout(() => void start(), SESSION_POLL_MS)
    }
  }

  function stop(): void {
    closeEvents?.()
    clearInterval(meshEvery)
    queue.stop()
    for (const list of Object.values(lists)) if ('stop' in list) list.stop()
    for (const timer of [counts, poll]) clearTimeout(timer)
  }

  const shown = { transport, entry, stream, loadError, fleet, tasks, list, activity, ...lists }
  return {
    ...shown,
    cursor: () => cursor,
    dialog: signal('none'),
    start,
    stop,
    refresh,
    loadTask: async (id) => takeTask(await transport.task(id)),
    takeTask,
    takeWorker,
    signedOut,
  }
}

/** What waits for a person is known on every page; the other lists once they were looked at. */
function refreshLists({ sessions, questions, messageTopic, ...others }: Lists): void {
  void messageTopic
  void sessions.load()
  void questions.load()
  for (const list of Object.values(others)) list.changed()
}

function noteChange(
  { schedules, messages, sessions, questions, services, costs, budgets, builds, repos, hosted }: Lists,
  type: string,
): void {
  if (type === 'cost.updated' || type === 'budget.updated') budgets.changed()
  if (type === 'cost.updated' || type === 'session.updated') costs.changed()
  if (type === 'schedule.updated') schedules.changed()
  else if (type === 'message.received') messages.changed()
  else if (type === 'session.updated') sessions.changed()
  else if (type === 'service.updated') services.changed()
  else if (type === 'build.updated') builds.changed()
  else if (type === 'repo.updated') for (const list of [repos, hosted]) list.changed()
  else if (type.startsWith('question.')) questions.changed()
}

type Lists = ReturnType<typeof createLists>

function createLists(transport: Transport) {
  const messageTopic = signal('')
  return {
    messageTopic,
    schedules: createLiveList(() => transport.schedules()),
    messages: createLiveList(() => transport.messages(messageTopic.peek())),
    sessions: createLiveList(() => transport.agents.sessions()),
    questions: createLiveList(() => transport.agents.questions()),
    services: createLiveList(() => transport.work.services()),
    costs: createLiveList(() => Promise.all(COST_GROUPS.map((by) => transport.money.costs(by)))),
    budgets: createLiveList(() => transport.money.budgets()),
    terminals: createLiveList(() => transport.terminals.terminals()),
    builds: createBuildList((query) => transport.code.builds(query)),
    repos: createLiveList(() => transport.code.repos()),
    hosted: createLiveList(() => transport.code.hosted()),
  }
}
