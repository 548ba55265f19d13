// Joins the room of services to the queue and to the work of this machine: its part of the fold is there before the engine is, the
// rest once it runs.
import { fileURLToPath } from 'node:url'
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { Entry, TaskSpec } from '../../../protocols/records.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import { cloneInto } from '../../repos/clone.ts'
import { createServiceBook } from '../../services/book.ts'
import { createCaretaker } from '../../services/caretaker.ts'
import type { ServiceDesk, ServiceFile } from '../../services/desk.ts'
import { createServiceDesk } from '../../services/desk.ts'
import type { Holding } from '../../services/service-view.ts'
import type { StageComponents } from '../../services/stage.ts'
import { createStage } from '../../services/stage.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { FoldPart, TaskState } from '../../tasks/fold/fold.ts'
import { mismatch } from '../../tasks/matching/match.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import type { ServiceRuns } from '../../tasks/work/service-runs.ts'
import { createMayWrite } from '../plan/may-write.ts'
import type { BareEvent, Views } from '../views.ts'

const SUPERVISOR = fileURLToPath(new URL('../../services/supervise/supervise-main.ts', import.meta.url))
/** The report of a build, which is no part of what was built. */
const BUILD_REPORT = 'nimbus-build.json'

export type ServicesWiring = {
  part: FoldPart
  /** For the work of this machine. */
  runs: ServiceRuns
  eventsOf(block: Block): BareEvent[]
  noteTask(state: TaskState): void
  /** What services are put together from: kept while they may be started again. */
  plans(): Iterable<TaskSpec>
  /** The engine has read its blocks. */
  open(rooms: { engine: Engine; fleet: Fleet; feed: Views['feed'] }): ServiceDesk
}

export type ServicesComponents = Omit<StageComponents, 'clone' | 'path'> & {
  self: PeerId
  clock: Clock
  log: Log
  dataDir: string
  environment(task: TaskId, epoch: number): Record<string, string>
}

export function createServices(components: ServicesComponents): ServicesWiring {
  const { self, clock, log, dataDir } = components
  let opened: { engine: Engine; fleet: Fleet; feed: Views['feed']; desk: ServiceDesk } | undefined
  const book = createServiceBook((name) => {
    caretaker.changed(name)
    tell(name)
  })
  const eventOf = (name: string): BareEvent | undefined =>
    opened === undefined
      ? undefined
      : { type: 'service.updated', entity: 'service', id: name, data: opened.desk.find(name) ?? { name, state: 'removed' } }
  const tell = (name: string): void => opened?.feed.emit(() => eventOf(name))
  const caretaker = createCaretaker({
    clock,
    log,
    dataDir,
    book,
    supervisor: [process.execPath, SUPERVISOR],
    stage: createStage({ ...components, clone: cloneInto, path: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin' }),
    append: (entry) => opened?.engine.append(entry),
    refusal(spec, author) {
      const offer = opened?.fleet.offers().find(({ node }) => node === self)
      if (opened === undefined || offer === undefined) return 'it is still starting'
      const { repo, secrets } = spec
      const asked: TaskSpec = { kind: 'service', argv: [], priority: 5, attempts: 1, ...(repo === undefined ? {} : { repo }) }
      const found = mismatch(
        { ...asked, ...(secrets === undefined ? {} : { secrets }) },
        { peer: author, name: opened.fleet.nameOf(author) },
        { ...offer, alive: true, draining: false },
      )
      return found?.message
    },
    environment: components.environment,
  })
  return {
    part: book.part,
    runs: {
      begin(order, root) {
        // It uses none of the slots: they are for what ends.
        opened?.engine.execution.park(order.task)
        return caretaker.begin(order, root)
      },
      over: (order) => caretaker.over(order.task, order.epoch),
    },
    eventsOf: (block) =>
      (block.entries as Entry[]).flatMap((entry) =>
        entry.kind === 'service' || entry.kind === 'service-state' ? (eventOf(entry.name) ?? []) : [],
      ),
    noteTask({ task }) {
      if (task?.spec.service !== undefined) tell(task.spec.service.name)
    },
    *plans() {
      for (const { revisions, desired } of book.all()) {
        if (desired === 'removed') continue
        for (const { spec } of revisions)
          for (const dir of [spec.dir, ...(spec.files ?? [])])
            if (dir !== undefined) yield { kind: 'service', argv: [], priority: 5, attempts: 1, dir: { hash: dir.hash, size: dir.size } }
      }
    },
    open({ engine, fleet, feed }) {
      const desk = createServiceDesk({
        self,
        book,
        append: engine.append,
        durable: engine.durable,
        publishOnce: engine.publishOnce,
        holding: (task) => holdingOf(engine, task),
        findWorker: fleet.find,
        filesOf: (task) => filesOf(engine, task as TaskId),
        nameOf: fleet.nameOf,
        assertMayWrite: createMayWrite(self, fleet),
      })
      opened = { engine, fleet, feed, desk }
      return desk
    },
  }
}

function holdingOf(engine: Engine, task: TaskId): Holding | undefined {
  const state = engine.fold.task(task)
  if (state?.task === undefined) return undefined
  const { epoch, holder, term, end, outcome } = state.value
  const reason = outcome?.error === undefined ? {} : { reason: outcome.error }
  if (state.value.state === 'settled') return { epoch, end: end ?? 'failed', ...reason }
  const isHeld = state.value.state === 'held' && holder !== undefined && term !== undefined && !engine.fold.termEnded(holder, term)
  return { epoch, ...(isHeld ? { holder } : {}) }
}

function filesOf(engine: Engine, task: TaskId): ServiceFile[] {
  const state = engine.fold.task(task)
  const { end, outcome } = state?.value ?? {}
  const files = (outcome?.artifacts ?? []).filter(({ path }) => path !== BUILD_REPORT)
  if (end === 'succeeded' && files.length > 0) return files.map(({ path, hash, size }) => ({ path, hash, size }))
  const why = state?.task === undefined ? 'there is no such task' : end === 'succeeded' ? 'it left no files' : 'it has not succeeded'
  throw new NimbusError('no-files', `Task ${task} gives no files to a service: ${why}.`, {
    kind: 'refused',
    cure: 'Name a task that has succeeded and kept files: nimbus task publish --artifact GLOB, or a build.',
  })
}
