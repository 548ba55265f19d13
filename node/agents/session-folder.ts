// The folder of one session on its worker: work tree, the agent's home and history, our own notes. It stays when a run ends, because
// the next one goes on in it; nothing in it is removed while it may hold work that is nowhere else.
import { readFileSync } from 'node:fs'
import { appendFile, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TaskId } from '../../protocols/ids.ts'
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { WorkOrder } from '../tasks/execution.ts'
import type { PreparationComponents, Progress } from '../tasks/work/prepare-run.ts'
import type { AgentSpec } from '../../protocols/tasks/task-spec.ts'
import type { GivenOrder, HostOrder, InboxOrder, Places } from './host/notes/host-order.ts'
import { placesOf } from './host/notes/host-order.ts'
import type { GivenOrder as BookedOrder } from './session-book.ts'

/** `treeBefore`: the work tree on the worker before, which the agent may still speak of. */
export type Ground = { base?: string; branch?: string; treeBefore?: string }

export function sessionOf(task: TaskId, agent: AgentSpec): TaskId {
  return agent.session ?? task
}

export function branchOf(session: TaskId): string {
  return `nimbus/${session}`
}

/** Ready for a host: cloned once, on a branch of its own. */
export async function prepareFolder(
  components: { clock: Clock; clone: PreparationComponents['clone']; dataDir: string },
  order: WorkOrder & { agent: AgentSpec },
  signal: AbortSignal,
  tell: (progress: Progress) => void,
): Promise<{ places: Places; ground: Ground }> {
  const { task, epoch, spec, agent } = order
  const session = sessionOf(task, agent)
  const places = placesOf(join(components.dataDir, 'sessions', session))
  for (const folder of [places.home, places.config, places.run, places.out, places.save])
    await mkdir(folder, { recursive: true, mode: 0o700 })
  const ground = readGround(places) ?? (await layGround(components, { spec, session, places, signal, tell }))
  const hostOrder: HostOrder = { session, task, epoch, agent, ...ground }
  await writeFile(places.order, JSON.stringify(hostOrder), { mode: 0o600 })
  return { places, ground }
}

async function layGround(
  { clock, clone }: { clock: Clock; clone: PreparationComponents['clone'] },
  order: { spec: WorkOrder['spec']; session: TaskId; places: Places; signal: AbortSignal; tell(progress: Progress): void },
): Promise<Ground> {
  const { spec, session, places, signal, tell } = order
  // A clone that a crash cut short: no agent has run in it.
  await rm(places.tree, { recursive: true, force: true })
  let ground: Ground = {}
  if (spec.repo === undefined) await mkdir(places.tree, { recursive: true })
  else {
    const commit = await layTree({ clock, clone }, { spec, places, signal, tell })
    ground = { base: commit, branch: branchOf(session) }
    // Two small files make the branch, without running git.
    const ref = join(places.tree, '.git', 'refs', 'heads', ...branchOf(session).split('/'))
    await mkdir(join(ref, '..'), { recursive: true })
    await writeFile(ref, `${commit}\n`)
    await writeFile(join(places.tree, '.git', 'HEAD'), `ref: refs/heads/${branchOf(session)}\n`)
  }
  await writeFile(join(places.run, 'ground.new'), JSON.stringify(ground))
  await rename(join(places.run, 'ground.new'), groundFile(places))
  return ground
}

/** The repository of the session, cloned into its work tree. @returns the commit */
export async function layTree(
  { clock, clone }: { clock: Clock; clone: PreparationComponents['clone'] },
  { spec, places, signal, tell }: { spec: WorkOrder['spec']; places: Places; signal: AbortSignal; tell(progress: Progress): void },
): Promise<string> {
  tell({ phase: 'cloning', message: 'asking the server' })
  const { commit } = await clone({
    url: spec.repo ?? '',
    ...(spec.ref === undefined ? {} : { ref: spec.ref }),
    ...(spec.repoAuth === undefined ? {} : { auth: spec.repoAuth }),
    dir: places.tree,
    clock,
    signal,
    onProgress: ({ phase, loaded, percent }) =>
      tell({ phase: 'cloning', message: `${phase}: ${loaded}`, ...(percent === undefined ? {} : { percent }) }),
  })
  return commit
}

function readGround(places: Places): Ground | undefined {
  try {
    return JSON.parse(readFileSync(groundFile(places), 'utf8')) as Ground
  } catch {
    return undefined // never prepared
  }
}

export function isPrepared(dataDir: string, session: TaskId): Promise<boolean> {
  return exists(groundFile(placesOf(join(dataDir, 'sessions', session))))
}

function groundFile(places: Places): string {
  return join(places.run, 'ground.json')
}

/** IDs of the orders that the host was handed already. */
export function handedOver(places: Places): Set<string> {
  try {
    const lines = readFileSync(places.inbox, 'utf8').split('\n')
    return new Set(lines.flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as InboxOrder).id])))
  } catch {
    return new Set() // none yet
  }
}

export async function handOver(places: Places, orders: readonly InboxOrder[]): Promise<void> {
  if (orders.length > 0) await appendFile(places.inbox, orders.map((order) => `${JSON.stringify(order)}\n`).join(''), { mode: 0o600 })
}

export async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined // whatever hides it: it cannot be used
}

export function agentOf({ task, spec }: WorkOrder): AgentSpec {
  if (spec.agent !== undefined) return spec.agent
  throw new NimbusError('agent-spec-missing', `Task ${task} is of kind agent and does not say what the agent shall do.`, {
    kind: 'usage',
    cure: 'nimbus session start publishes such a task.',
  })
}

/** What of an order the host needs to know. */
export function toInbox({ id, op, text, request, allow, now, by }: BookedOrder): GivenOrder {
  return {
    id,
    op,
    by,
    ...(text === undefined ? {} : { text }),
    ...(request === undefined ? {} : { request }),
    ...(allow === undefined ? {} : { allow }),
    ...(now === undefined ? {} : { now }),
  }
}
