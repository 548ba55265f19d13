// The mesh and its workers as one node sees them. Patched by events, replaced by a fetch.
import { type ReadonlySignal, computed, signal } from '@preact/signals'
import type { MeshView, TaskStateName, WorkerView } from '../../../protocols/http/views.ts'

/** More members than a page can show; the rest is counted by the node and said. */
const WORKERS_MAX = 2_000

/**
 * `seenAt` is a time by this browser's clock: an age that was true when it was sent would stand still. Undefined where
 * the node that serves this page has not heard the worker since its own start.
 */
export type Worker = WorkerView & { seenAt: number | undefined }

export type Fleet = {
  mesh: ReadonlySignal<MeshView | undefined>
  /** Self first, then by name. Who left is not among them. */
  workers: ReadonlySignal<readonly Worker[]>
  counts: ReadonlySignal<Partial<Record<TaskStateName, number>>>
  startedAt: ReadonlySignal<number>
  hasMajority: ReadonlySignal<boolean>
  setMesh(view: MeshView): void
  /** Answers what was known before. */
  setWorker(view: WorkerView): Worker | undefined
  find(id: string): Worker | undefined
}

export function createFleet(): Fleet {
  const mesh = signal<MeshView | undefined>(undefined)
  const startedAt = signal(0)
  const byId = signal<ReadonlyMap<string, Worker>>(new Map())
  const workers = computed(() => [...byId.value.values()].filter((worker) => worker.state !== 'left').sort(bySelfThenName))

  function setMesh(view: MeshView): void {
    mesh.value = view
    startedAt.value = Date.now() - view.uptimeMs
    byId.value = new Map(view.members.slice(0, WORKERS_MAX).map((member) => [member.peerId, received(member)]))
  }

  function setWorker(view: WorkerView): Worker | undefined {
    const before = byId.value.get(view.peerId)
    if (before === undefined && byId.value.size >= WORKERS_MAX) return undefined
    byId.value = new Map(byId.value).set(view.peerId, received(view))
    return before
  }

  return {
    mesh,
    workers,
    startedAt,
    counts: computed(() => mesh.value?.tasks ?? {}),
    hasMajority: computed(() => mesh.value === undefined || mesh.value.group.reachable >= mesh.value.group.majority),
    setMesh,
    setWorker,
    find: (id) => byId.value.get(id) ?? workers.value.find((worker) => worker.name === id),
  }
}

function received(view: WorkerView): Worker {
  if (view.self) return { ...view, seenAt: Date.now() }
  return { ...view, seenAt: view.lastSeenMs < 0 ? undefined : Date.now() - view.lastSeenMs }
}

function bySelfThenName(one: Worker, two: Worker): number {
  if (one.self !== two.self) return one.self ? -1 : 1
  return one.name.localeCompare(two.name, undefined, { numeric: true })
}
