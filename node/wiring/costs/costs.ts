// Joins the money of sessions to the logs, the registers of names, the runs of this worker and the API.
import type { Block } from '../../../protocols/blocks.ts'
import type { AgentReason } from '../../../protocols/agents/agent-events.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { Entry, TaskSpec } from '../../../protocols/records.ts'
import type { CostsDesk } from '../../agents/costs/budget-desk.ts'
import { createBudgetDesk } from '../../agents/costs/budget-desk.ts'
import { createBudgetBook } from '../../agents/costs/budget-book.ts'
import type { Book } from '../../agents/costs/bookkeeper.ts'
import { createBookkeeper } from '../../agents/costs/bookkeeper.ts'
import type { ReportFacts } from '../../agents/costs/cost-report.ts'
import { createLedger } from '../../agents/costs/ledger.ts'
import type { Purse } from '../../agents/costs/purse.ts'
import { createPurse } from '../../agents/costs/purse.ts'
import { createSpendings } from '../../agents/costs/spendings.ts'
import type { SessionsPort } from '../../api/routes/sessions/sessions-port.ts'
import type { SessionRunsComponents } from '../../agents/session-runs.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { FoldPart } from '../../tasks/fold/fold.ts'
import type { Mismatch } from '../../tasks/matching/match.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import { createMayWrite } from '../plan/may-write.ts'
import type { BareEvent, Views } from '../views.ts'

/** While a budget stops sessions, the queue is looked at again this often. */
const WAKE_MS = 5_000

export type Costs = {
  parts: readonly FoldPart[]
  money: SessionRunsComponents['money']
  /** Why a worker would begin no turn of a session of this repository, where that is plain from here. */
  stopFor(worker: PeerId, spec: TaskSpec): Mismatch | undefined
  eventsOf(block: Block): BareEvent[]
  open(rooms: { engine: Engine; fleet: Fleet; feed: Views['feed']; sessions(): Pick<SessionsPort, 'list'> }): CostsDesk
}

export function createCosts({ self, clock }: { self: PeerId; clock: Clock }): Costs {
  let opened: { book: Book; purse: Purse; desk: CostsDesk; told(name?: string): void; wake(): void } | undefined
  let waking: Cancel | undefined
  const budgets = createBudgetBook((name) => opened?.told(name))
  const ledger = createLedger(() => opened?.told())
  const budgetEvent = (name: string): BareEvent => ({
    type: 'budget.updated',
    entity: 'budget',
    id: name,
    data: opened?.desk.budget(name) ?? { name, removed: true },
  })
  const costEvent = ({ session }: { session: string }): BareEvent => ({
    type: 'cost.updated',
    entity: 'cost',
    id: session,
    data: { session },
  })
  return {
    parts: [ledger.part, budgets.part],
    money: {
      book: (run, uses) => opened?.book(run, uses),
      mayBegin: (session) => opened?.purse.ask(session) ?? Promise.resolve<AgentReason | undefined>(undefined),
      idle: () => void opened?.purse.giveBack(),
    },
    stopFor(worker, { kind, repo }) {
      const reason = kind === 'agent' ? opened?.purse.look({ repo, worker }) : undefined
      if (reason === undefined) return undefined
      // A day ends without any event.
      waking ??= clock.after(WAKE_MS, () => {
        waking = undefined
        opened?.wake()
      })
      const { code, message, cure = '' } = reason
      return { code, message, cure }
    },
    eventsOf: (block) =>
      (block.entries as Entry[]).flatMap((entry) =>
        entry.kind === 'budget' ? [budgetEvent(entry.name)] : entry.kind === 'cost' ? [costEvent(entry)] : [],
      ),
    open({ engine, fleet, feed, sessions }) {
      const labelsOf = (worker: PeerId): Readonly<Record<string, string>> => engine.fold.profile(worker)?.labels ?? {}
      const spendings = createSpendings(ledger, labelsOf)
      const desk = createBudgetDesk({
        book: budgets,
        ledger,
        spendings,
        names: engine.names,
        clock,
        nameOf: fleet.nameOf,
        labelsOf,
        talk: () => talkOf(engine, sessions()),
        findWorker: fleet.find,
        append: engine.append,
        durable: engine.durable,
        assertMayWrite: createMayWrite(self, fleet),
      })
      const purse = createPurse({
        self,
        clock,
        book: budgets,
        spendings,
        names: engine.names,
        labelsOf,
        workers: () => fleet.offers().filter(({ alive, mayRun }) => alive && mayRun).length,
      })
      /** What was told last of each budget: a level that changes is an event. */
      const levels = new Map<string, string>(desk.budgets().map(({ name, level }) => [name, level]))
      opened = {
        desk,
        purse,
        book: createBookkeeper({ self, clock, ledger, append: (entry) => void engine.append(entry) }),
        wake: () => engine.scheduler.wake(),
        told(name) {
          for (const { name: one, level } of desk.budgets()) {
            if (one !== name && levels.get(one) === level) continue
            levels.set(one, level)
            feed.emit(() => budgetEvent(one))
          }
          if (name !== undefined && budgets.get(name) === undefined && levels.delete(name)) feed.emit(() => budgetEvent(name))
          opened?.wake()
        },
      }
      return desk
    },
  }
}

/** Sessions that are looked at for what runs now. */
const LOOK_MAX = 500
const TITLE_MAX = 120

function talkOf(engine: Pick<Engine, 'fold'>, sessions: Pick<SessionsPort, 'list'>): Pick<ReportFacts, 'titleOf' | 'now'> {
  const live = sessions.list({ limit: LOOK_MAX }).items.filter(({ state }) => state === 'working' || state === 'waiting')
  return {
    now: { sessions: live.length, costUsd: live.reduce((sum, { costUsd }) => sum + costUsd, 0) },
    titleOf(id) {
      const spec = engine.fold.task(id as TaskId)?.task?.spec
      return (spec?.name ?? spec?.agent?.prompt.split('\n')[0])?.slice(0, TITLE_MAX)
    },
  }
}
