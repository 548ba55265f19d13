// Makes the folder of a session ready on the worker that holds its task: its own one where it is the newest, what another worker saved,
// or a new one. Where none of that can be had here, the task goes to the worker that has the folder.
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { SessionSave } from '../../../protocols/agents/session-records.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { AgentSpec } from '../../../protocols/tasks/task-spec.ts'
import { type Clock, sleep } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { WorkOrder } from '../../tasks/execution.ts'
import type { PreparationComponents, Progress } from '../../tasks/work/prepare-run.ts'
import { createEnclosure } from '../host/enclosure.ts'
import { type HostOrder, type Places, placesOf } from '../host/notes/host-order.ts'
import { branchOf, type Ground, isPrepared, layTree, prepareFolder, sessionOf } from '../session-folder.ts'
import type { SessionSaves } from './session-saves.ts'
import { unpackFolder } from './unpack-folder.ts'
import { type FolderRun, type SaidRecord, type Whereabouts, whereabouts } from './whereabouts.ts'

export type ReadyComponents = {
  self: PeerId
  clock: Clock
  dataDir: string
  clone: PreparationComponents['clone']
  environment: Readonly<Record<string, string | undefined>>
  saves: Pick<SessionSaves, 'open'>
  /** What those said of the session who held its tasks. */
  said(session: TaskId): readonly SaidRecord[]
  /** The same task again for the worker where the session's folder is. */
  sendBack(task: TaskId, worker: PeerId): void
  nameOf(peer: PeerId): string
}
type AgentWorkOrder = WorkOrder & { agent: AgentSpec }
type Tell = (progress: Progress) => void
/** `taken`: where the session goes on from what another worker saved. */
export type Ready = { places: Places; ground: Ground; taken?: string[]; save?: SessionSave }

/** A save that was replaced by a newer one meanwhile, or whose keeper is busy, is asked for again. */
const TRIES = 5
const TRY_AGAIN_MS = 2_000

export async function readyFolder(components: ReadyComponents, order: AgentWorkOrder, signal: AbortSignal, tell: Tell): Promise<Ready> {
  const { self } = components
  const session = sessionOf(order.task, order.agent)
  const where = await find(components, session)
  if (where.at === 'elsewhere' || (where.at === 'saved' && where.worker !== self && !mayMove(components, order)))
    return sendBack(components, order.task, session, where.worker)
  if (where.at !== 'saved') return prepareFolder(components, order, signal, tell)
  const brought = await bring(components, order, where, signal, tell)
  return { ...(await prepareFolder(components, order, signal, tell)), ...brought }
}

/** It was meant for this worker, or for any. */
function mayMove({ self, nameOf }: ReadyComponents, { agent, spec }: AgentWorkOrder): boolean {
  return agent.onLoss === 'move' || agent.home === self || spec.worker === self || spec.worker === nameOf(self)
}

async function find({ self, dataDir, said }: ReadyComponents, session: TaskId): Promise<Whereabouts> {
  const folder = (await isPrepared(dataDir, session)) ? folderRun(placesOf(join(dataDir, 'sessions', session))) : undefined
  return whereabouts(said(session), self, folder)
}

async function bring(
  components: ReadyComponents,
  order: AgentWorkOrder,
  first: Extract<Whereabouts, { at: 'saved' }>,
  signal: AbortSignal,
  tell: Tell,
): Promise<Pick<Ready, 'taken' | 'save'>> {
  const session = sessionOf(order.task, order.agent)
  let where: Whereabouts = first
  for (let left = TRIES; ; left--) {
    tell({ phase: 'preparing', message: `bringing what ${components.nameOf(first.worker)} saved` })
    try {
      return await unpack(components, order, where, signal, tell)
    } catch (error) {
      const again = error instanceof NimbusError && error.kind === 'unreachable' && left > 1 && !signal.aborted
      if (!again && !signal.aborted && first.worker !== components.self) components.sendBack(order.task, first.worker)
      if (!again) throw error
      await sleep(components.clock, TRY_AGAIN_MS)
      const now = await find(components, session)
      if (now.at === 'saved') where = now
    }
  }
}

async function unpack(
  components: ReadyComponents,
  order: AgentWorkOrder,
  where: Extract<Whereabouts, { at: 'saved' }>,
  signal: AbortSignal,
  tell: Tell,
): Promise<Pick<Ready, 'taken' | 'save'>> {
  const { clock, dataDir, environment, saves } = components
  const { spec, agent } = order
  const session = sessionOf(order.task, agent)
  const opened = await saves.open(session, where.worker, where.save, signal)
  const { base, tree } = opened.state
  const ground: Ground = { treeBefore: tree, ...(base === undefined ? {} : { base, branch: branchOf(session) }) }
  const parts = {
    clock,
    async lay(places: Places, commit: string | undefined): Promise<void> {
      if (commit === undefined || spec.repo === undefined) await mkdir(places.tree, { recursive: true })
      else await layTree(components, { spec: { ...spec, ref: commit }, places, signal, tell })
    },
    enclosure: (places: Places) => createEnclosure({ clock, places, tier: agent.sandbox ?? 'process', gate: '', environment, given: {} }),
  }
  const root = join(dataDir, 'sessions', session)
  const { state } = await unpackFolder(parts, root, opened.state, { spentUsd: where.record.costUsd, ground })
  return { taken: state.taken, save: opened.save }
}

/** A session goes on where its folder is: elsewhere it would do again what it has done. */
function sendBack(components: ReadyComponents, task: TaskId, session: TaskId, worker: PeerId): never {
  components.sendBack(task, worker)
  throw new NimbusError('session-elsewhere', `The work of session ${session} lies on ${components.nameOf(worker)}: it goes on there.`, {
    kind: 'refused',
    cure: 'Start that worker again.',
  })
}

/** Undefined where no run was begun in the folder. */
function folderRun({ order }: Places): FolderRun | undefined {
  try {
    const { task, epoch, agent } = JSON.parse(readFileSync(order, 'utf8')) as HostOrder
    return { task: task as TaskId, epoch, run: agent.run ?? 0 }
  } catch {
    return undefined // cut off before the first
  }
}
