// The transport with no network: answers from memory, lets a test send events, remembers what was asked of it.
import type { EventView, LogChunk, MeshView, TaskView, WorkerView } from '../../protocols/http/views.ts'
import type { QuestionView } from '../../protocols/agents/question-views.ts'
import type { OrderView, SessionMessage, SessionView } from '../../protocols/http/sessions.ts'
import type { BudgetView, CostsView } from '../../protocols/agents/cost-views.ts'
import { noCosts } from './work-fixtures.ts'
import type { BuildDetail } from '../../protocols/builds/build-views.ts'
import type { HostedRepoView } from '../../protocols/http/hosted.ts'
import type { MergedRow } from '../../protocols/logs/log-line-views.ts'
import type { RepoView } from '../../protocols/http/repos.ts'
import type { ServiceView } from '../../protocols/http/services.ts'
import type { MessageView } from '../../protocols/http/messages.ts'
import type { ScheduleView } from '../../protocols/http/schedules.ts'
import type { TerminalView } from '../../protocols/terminals/views.ts'
import type { TerminalListener } from '../../web/src/transport/terminal-calls.ts'
import type { EventListener, LogQuery, Session, TaskQuery, Transport } from '../../web/src/transport/transport.ts'
import { ApiError } from '../../web/src/transport/api-error.ts'
import { createFakeCode, createFakeLines } from './fake-code.ts'
import { createFakeTerminals } from './fake-terminals.ts'
import { aMesh, aSchedule, someOutput, someTasks } from './fixtures.ts'

export type FakeTransport = Transport & {
  calls: string[]
  state: {
    session: Session
    mesh: MeshView
    tasks: TaskView[]
    output: LogChunk[]
    schedules: ScheduleView[]
    messages: MessageView[]
    sessions: SessionView[]
    said: SessionMessage[]
    questions: QuestionView[]
    services: ServiceView[]
    costs: CostsView
    budgets: BudgetView[]
    terminals: TerminalView[]
    /** Those who are attached to a terminal, newest last. */
    attached: TerminalListener[]
    builds: BuildDetail[]
    repos: RepoView[]
    hosted: HostedRepoView[]
    lines: MergedRow[]
    patch: string
    conflicts: string[]
    refuse: ApiError | undefined
  }
  listener(): EventListener
  emit(type: 'task.updated', task: TaskView): void
  emit(type: 'worker.updated', worker: WorkerView): void
  emit(type: 'session.updated', session: SessionView): void
  emit(type: 'service.updated', service: ServiceView): void
  emit(type: 'build.updated', build: BuildDetail): void
  emit(type: 'repo.updated', repo: RepoView): void
  emit(type: 'question.asked', question: QuestionView): void
  emit(type: 'mesh.updated', mesh: MeshView): void
}

export function createFakeTransport(): FakeTransport {
  const calls: string[] = []
  const state: FakeTransport['state'] = {
    session: { signedIn: true, auth: 'token' },
    mesh: aMesh(),
    tasks: someTasks(),
    output: someOutput(40),
    schedules: [],
    messages: [],
    sessions: [],
    said: [],
    questions: [],
    services: [],
    costs: noCosts(),
    budgets: [],
    terminals: [],
    attached: [],
    builds: [],
    repos: [],
    hosted: [],
    lines: [],
    patch: '',
    conflicts: [],
    refuse: undefined,
  }
  let listener: EventListener | undefined
  let cursor = 0

  function answer<Answer>(call: string, value: () => Answer): Promise<Answer> {
    calls.push(call)
    return state.refuse === undefined ? Promise.resolve().then(value) : Promise.reject(state.refuse)
  }
  function find(id: string): TaskView {
    const task = state.tasks.find((candidate) => candidate.id === id)
    if (task === undefined) throw new ApiError({ code: 'task-unknown', detail: `No task ${id}.`, status: 404 })
    return task
  }
  function findService(name: string): ServiceView {
    const service = state.services.find((candidate) => candidate.name === name)
    if (service === undefined) throw new ApiError({ code: 'service-unknown', detail: `No service ${name}.`, status: 404 })
    return service
  }
  function list(query: TaskQuery) {
    const items = state.tasks.filter(
      (task) => (query.state === undefined || task.state === query.state) && JSON.stringify(task).includes(query.q ?? ''),
    )
    return { items: items.slice(0, query.limit) }
  }
  async function* log(id: string, { from, attempt }: LogQuery): AsyncIterable<LogChunk> {
    calls.push(`log ${id} attempt ${attempt} from ${from}`)
    for (const chunk of state.output) if (chunk.offset >= from) yield chunk
  }

  return {
    calls,
    state,
    listener: () => listener as EventListener,
    emit(type: string, data: object) {
      cursor += 1
      const event: EventView = { cursor: String(cursor), time: Date.now(), type, entity: type.split('.')[0] ?? '', id: '', data }
      listener?.event(event)
    },
    session: () => answer('session', () => state.session),
    mesh: () => answer('mesh', () => state.mesh),
    tasks: (query) => answer(`tasks ${JSON.stringify(query)}`, () => list(query)),
    task: (id) => answer(`task ${id}`, () => find(id)),
    publish: (draft) => answer(`publish ${JSON.stringify(draft)}`, () => ({ id: state.tasks[0]?.id ?? '' })),
    cancel: (id) => answer(`cancel ${id}`, () => ({ ...find(id), cancelRequested: true })),
    retry: (id) =>
      answer(`retry ${id}`, () => ({
        ...find(id),
        id: `${id.slice(0, -1)}0`,
        state: 'ready' as const,
        attempts: [],
        createdAt: Date.now(),
        updatedAt: Date.now(),
      })),
    command: (worker, verb) =>
      answer(`${verb} ${worker}`, () => state.mesh.members.find((member) => member.peerId === worker) as WorkerView),
    invite: (draft) => answer(`invite ${JSON.stringify(draft)}`, () => ({ invite: 'nimbus1-invite', expiresAt: Date.now() + 900_000 })),
    schedules: () => answer('schedules', () => state.schedules),
    setSchedule: (name, verb) =>
      answer(`${verb} schedule ${name}`, () => state.schedules.find((one) => one.name === name) ?? aSchedule(name)),
    removeSchedule: (name) => answer(`remove schedule ${name}`, () => undefined),
    messages: (topic) => answer(`messages ${topic}`, () => state.messages),
    sendMessage: (to, body) => answer(`send ${JSON.stringify(to)} ${body}`, () => undefined),
    readMessages: (ids) =>
      answer(`read ${ids.join(' ')}`, () => void (state.messages = state.messages.filter(({ id }) => !ids.includes(id)))),
    agents: createFakeAgents(state, answer, calls),
    work: {
      services: () => answer('services', () => [...state.services]),
      service: (name, verb) => answer(`${verb} service ${name}`, () => findService(name)),
      rollback: (name, revision) => answer(`rollback ${name} to ${revision}`, () => findService(name)),
    },
    money: {
      costs: (by) => answer(`costs by ${by}`, () => ({ ...state.costs, by })),
      budgets: () => answer('budgets', () => [...state.budgets]),
    },
    terminals: createFakeTerminals(state, answer, calls),
    code: createFakeCode(state, answer),
    lines: createFakeLines(state, calls),
    log,
    logAddress: (id) => `/api/tasks/${id}/log`,
    passes: () => answer('passes', () => []),
    alive: () => answer('alive', () => undefined),
    events(given) {
      listener = given
      given.state({ kind: 'live', since: Date.now() })
      return () => {
        listener = undefined
      }
    },
  }
}

function createFakeAgents(
  state: FakeTransport['state'],
  answer: <Answer>(call: string, value: () => Answer) => Promise<Answer>,
  calls: string[],
): Transport['agents'] {
  const find = <Item extends { id: string }>(items: readonly Item[], id: string): Item => {
    const found = items.find((item) => item.id === id)
    if (found === undefined) throw new ApiError({ code: 'not-found', detail: `No ${id}.`, status: 404 })
    return found
  }
  const order = (id: string): OrderView => ({ order: 'o1', taken: true, session: find(state.sessions, id) })
  return {
    sessions: () => answer('sessions', () => [...state.sessions]),
    session: (id) => answer(`session ${id}`, () => find(state.sessions, id)),
    prompt: (id, text) => answer(`prompt ${id} ${text}`, () => order(id)),
    decide: (id, decision) =>
      answer(`decide ${id} ${JSON.stringify(decision)}`, () => {
        state.sessions = state.sessions.map((session) => (session.id === id ? { ...session, asks: [] } : session))
        return { ...order(id), won: true }
      }),
    move: (id, to) => answer(`move ${id} ${JSON.stringify(to)}`, () => order(id)),
    order: (id, verb) => answer(`${verb} session ${id}`, () => order(id)),
    resume: (id) => answer(`resume session ${id}`, () => find(state.sessions, id)),
    diff: (id) => answer(`diff ${id}`, () => ({ text: state.patch, cut: false })),
    merge: (id, how) =>
      answer(`merge ${id} ${JSON.stringify(how)}`, () => ({
        session: id,
        merged: how.check !== true && state.conflicts.length === 0,
        into: 'main',
        conflicts: state.conflicts,
        touchedBy: [],
      })),
    offer: (id) =>
      answer(`offer ${id}`, () => ({
        session: id,
        branch: `nimbus/${id}`,
        into: 'main',
        commit: 'c0ffee',
        number: 7,
        address: 'https://example.org/pull/7',
        existed: false,
      })),
    async *messages(id) {
      calls.push(`messages of ${id}`)
      yield* state.said
    },
    questions: () => answer('questions', () => [...state.questions]),
    question: (id) => answer(`question ${id}`, () => find(state.questions, id)),
    answer: (id, given) =>
      answer(`answer ${id} ${JSON.stringify(given)}`, () => {
        const by = { by: 'operator', worker: 'w', workerName: 'alder', at: Date.now() }
        const answered: QuestionView = { ...find(state.questions, id), state: 'answered', answer: { ...given, ...by } }
        state.questions = state.questions.map((one) => (one.id === id ? answered : one))
        return answered
      }),
  }
}
