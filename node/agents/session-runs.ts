// The sessions that run on this worker: prepares each run, reads what its host says, tells the mesh, hands over orders, and collects
// what is left at the end. The process itself is the work of a task; this is what stands around it.
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import type { AgentEventOf, AgentLine, AgentReason, ModelUse } from '../../protocols/agents/agent-events.ts'
import { readAgentLine } from '../../protocols/agents/agent-events.ts'
import type { SessionRecord } from '../../protocols/agents/session-records.ts'
import type { BlobHash, TaskId } from '../../protocols/ids.ts'
import type { Entry, Outcome } from '../../protocols/records.ts'
import type { Cancel } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import type { LogFollow } from '../runner/output-log.ts'
import type { BlobStore } from '../store/blobs.ts'
import type { WorkOrder } from '../tasks/execution.ts'
import type { AgentWork } from '../tasks/work/agent-work.ts'
import { BUNDLE_FILE, DIFF_FILE } from './host/work-tree.ts'
import type { Places } from './host/notes/host-order.ts'
import { readHostState } from './host/notes/host-order.ts'
import type { SessionBook } from './session-book.ts'
import { type ReadyComponents, readyFolder } from './moving/ready-folder.ts'
import type { SessionSaves } from './moving/session-saves.ts'
import { agentOf, exists, handedOver, handOver, sessionOf, toInbox } from './session-folder.ts'
import { waitForTurn } from './costs/turn-grants.ts'
import { readHostLines } from './session-lines.ts'
import { loginOf, passedOn } from './drivers/claude-login.ts'
import { createStartTurns } from './start-turns.ts'
import { afterLine, firstRecord } from './session-tally.ts'

export type SessionRunsComponents = ReadyComponents & {
  random: Pick<Random, 'next'>
  book: Pick<SessionBook, 'orders' | 'newest' | 'newestWorker' | 'all'>
  blobs: Pick<BlobStore, 'putFile'>
  saves: SessionSaves
  append(entry: Entry): void
  /** Settles when a majority has what was appended, or the signal fires. */
  settled(signal: AbortSignal): Promise<void>
  /** One event of a session that runs here, for everybody who watches now. */
  tell(output: { session: TaskId; task: TaskId; epoch: number; at: number; line: AgentLine }): void
  /** A task that goes on with a session, for orders that came too late for its run. */
  goOn(task: TaskId, session: TaskId): void
  /** Counts a start of the account in the mesh (start-turns.ts). */
  countStart(account: string): Promise<number>
  money: {
    /** What a session cost so far is written down. */
    book(run: { session: TaskId; task: TaskId; repo: string | undefined }, uses: readonly ModelUse[]): void
    /** Whether a session may begin a turn; the answer may come late. */
    mayBegin(session: { repo: string | undefined }): Promise<AgentReason | undefined>
    /** No session runs here any more. */
    idle(): void
  }
}

export type SessionRuns = {
  work: AgentWork
  /** Orders of this session may have come. */
  onOrders(session: TaskId): void
}

type Run = {
  order: WorkOrder
  session: TaskId
  places: Places
  record: SessionRecord
  handed: Set<string>
  /** A record that waits for its time. */
  pending: Cancel | undefined
  following: Promise<void>
  saving: Promise<void>
  reminder: Cancel
  /** A turn that waits for its leave. */
  asking: Cancel
}

/** What changes without urgency is written at most this often. */
const RECORD_MS = 1_000
/** A request that nobody answers is told again, at first after this, then after twice as long each time. */
const REMIND_MS = 5 * 60_000
const REMIND_MS_MAX = 6 * 3_600_000
const HOST = fileURLToPath(new URL('./host/host-main.ts', import.meta.url))
export function createSessionRuns(components: SessionRunsComponents): SessionRuns {
  const { clock, book, saves, money } = components
  const runs = new Map<TaskId, Run>()
  const write = (run: Run): void => {
    run.pending?.()
    run.pending = undefined
    run.record = { ...run.record, rev: run.record.rev + 1 }
    components.append(run.record)
  }
  /** One after the other: the newest that others have is the one that is told. */
  const keep = (run: Run, { n, after }: AgentEventOf<'saved'>): void => {
    const one = async (): Promise<void> => {
      const save = await saves.take(run.places, run.session, n)
      if (save === undefined) return
      run.record = { ...run.record, save: { ...save, ...(after === undefined ? {} : { after }) } }
      write(run)
    }
    run.saving = run.saving.then(one).catch(() => {}) // a full disk: the next one may find room
  }
  const take = (run: Run, line: AgentLine, at: number): void => {
    if (line.type === 'saved') return keep(run, line)
    const { record, urgent } = afterLine(run.record, line, run.places.tree)
    run.record = record
    components.tell({ session: run.session, task: run.order.task, epoch: run.order.epoch, at, line })
    if (urgent) write(run)
    else run.pending ??= clock.after(RECORD_MS, () => write(run))
    if (line.type === 'ask') remind(run, REMIND_MS)
    if (line.type === 'turn') money.book(billOf(run), line.models ?? [])
    if (line.type === 'wants') ask(run, line.turn)
  }
  const explain = (run: Run, reason: AgentReason | undefined): void => {
    if (reason?.message === run.record.reason?.message) return
    const { reason: _before, ...record } = run.record
    run.record = { ...record, ...(reason === undefined ? {} : { reason }) }
    write(run)
  }
  const ask = (run: Run, turn: string): void => {
    run.asking()
    run.asking = waitForTurn(clock, {
      mayBegin: () => money.mayBegin({ repo: run.order.spec.repo }),
      explain: (reason) => explain(run, reason),
      go: () => void handOver(run.places, [{ op: 'go', id: turn }]).catch(() => ask(run, turn)), // the disk is full
    })
  }
  const remind = (run: Run, afterMs: number): void => {
    run.reminder()
    run.reminder = clock.after(afterMs, () => {
      if (run.record.asks.length === 0) return
      run.record = { ...run.record, asks: run.record.asks.map((ask) => ({ ...ask, reminders: ask.reminders + 1 })) }
      write(run)
      remind(run, Math.min(REMIND_MS_MAX, afterMs * 2))
    })
  }
  const handOrders = (run: Run): void => {
    const orders = book.orders(run.session).filter(({ id }) => !run.handed.has(id))
    for (const { id } of orders) run.handed.add(id)
    void handOver(run.places, orders.map(toInbox)).catch(() => orders.forEach(({ id }) => run.handed.delete(id))) // the disk is full: tried again with the next order
  }

  const turns = createStartTurns({ clock, random: components.random, records: book.all, count: components.countStart })
  const limited = (run: Run, untilMs: number): void => {
    const message = `Its account may not go on before ${new Date(untilMs).toISOString()}.`
    explain(run, { code: 'account-limited', message, cure: 'It starts by itself then; --worker with another account starts it now.' })
  }

  const work: AgentWork = {
    async prepare(order, signal, tell) {
      const agent = agentOf(order)
      const session = sessionOf(order.task, agent)
      const ready = await readyFolder(components, { ...order, agent }, signal, tell)
      const { places, ground } = ready
      const name = { session, task: order.task, run: agent.run ?? 0, epoch: order.epoch }
      const environment = passedOn(components.environment, components.dataDir)
      const account = loginOf({ ...environment, ...order.spec.env })?.account ?? 'none'
      const isOwn = book.newestWorker(session) === components.self
      const record = { ...firstRecord(book.newest(session), isOwn, name, clock.wallMs(), ready), account }
      const run: Run = {
        order,
        session,
        places,
        record,
        handed: handedOver(places),
        pending: undefined,
        following: Promise.resolve(),
        saving: Promise.resolve(),
        reminder: () => {},
        asking: () => {},
      }
      money.book(billOf(run), readHostState(places.state, '').models ?? [])
      runs.set(order.task, run)
      write(run)
      // Whoever goes on with it later must know that it was here, before anything is done.
      if (ready.save !== undefined) await components.settled(signal)
      await saves.allow(places, session)
      handOrders(run)
      await turns.wait(run.record.account ?? '', signal, (untilMs) => limited(run, untilMs))
      explain(run, undefined)
      return {
        root: places.root,
        cwd: places.root,
        argv: [process.execPath, HOST, places.root],
        env: { ...environment, HOME: places.home, TMPDIR: components.environment['TMPDIR'] ?? '/tmp' },
        ...(ground.base === undefined ? {} : { commit: ground.base }),
      }
    },
    started({ task }, logFile, follow) {
      const run = runs.get(task)
      if (run !== undefined) run.following = readLines(run, logFile, follow)
    },
    async finish({ task }) {
      const run = runs.get(task)
      if (run === undefined) return {}
      await run.following
      await run.saving
      if (run.pending !== undefined) write(run)
      const { reason } = run.record
      return {
        ...(await artifactsOf(run)),
        ...(run.record.costUsd > 0 ? { costUsd: run.record.costUsd } : {}),
        ...(reason === undefined ? {} : { error: wordsOf(reason) }),
      }
    },
    ended({ task }, outcome) {
      const run = runs.get(task)
      runs.delete(task)
      run?.pending?.()
      run?.reminder()
      run?.asking()
      if (runs.size === 0) money.idle()
      if (run !== undefined) saves.over(run.places, run.session)
      if (run === undefined || outcome.result === 'lost') return
      const taken = new Set(run.record.taken)
      const waiting = book.orders(run.session).filter(({ id, op }) => op === 'send' && !taken.has(id))
      if (waiting.length > 0) components.goOn(task, run.session)
    },
  }
  const readLines = (run: Run, logFile: string, follow: LogFollow): Promise<void> =>
    readHostLines(logFile, follow, (text, at) => {
      const line = readAgentLine(text)
      if (line !== undefined && line.replayed !== true) take(run, line, at)
    })
  const artifactsOf = async ({ places }: Run): Promise<Partial<Outcome>> => {
    const artifacts: NonNullable<Outcome['artifacts']> = []
    for (const path of [BUNDLE_FILE, DIFF_FILE]) {
      const file = join(places.out, path)
      if (!(await exists(file))) continue
      const { hash, size } = await components.blobs.putFile(file)
      artifacts.push({ path, hash: hash as BlobHash, size })
    }
    return artifacts.length === 0 ? {} : { artifacts }
  }
  return {
    work,
    onOrders(session) {
      for (const run of runs.values()) if (run.session === session) handOrders(run)
    },
  }
}

function billOf({ session, order }: Run): { session: TaskId; task: TaskId; repo: string | undefined } {
  return { session, task: order.task, repo: order.spec.repo }
}

function wordsOf({ code, message, cure }: NonNullable<SessionRecord['reason']>): string {
  return `${code}: ${message}${cure === undefined ? '' : ` ${cure}`}`.slice(0, 2_000)
}
