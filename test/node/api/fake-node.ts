// A node in memory behind the NodePort: what is under test is the HTTP surface and the CLI, not the mesh. Tasks do
// nothing by themselves; a test moves them on.
import { randomBytes } from 'node:crypto'
import type { EventView, LogChunk, TaskView, WorkerView } from '../../../protocols/http/views.ts'
import type { TaskRequest } from '../../../protocols/http/task-request.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import { taskId } from '../../../protocols/ids.ts'
import type { NodePort, StreamEvent } from '../../../node/api/ports.ts'
import { NimbusError } from '../../../node/kernel/errors.ts'
import { createPostOffice } from '../messages/post-office.ts'
import { createFakeFiles, createFakeRooms, createFakeSecrets } from './fake-files.ts'
import { createScheduleRoom } from '../schedules/schedule-room.ts'
import { noTerminals } from './no-terminals.ts'

export const PEER = '12D3KooWFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake' as PeerId

export type FakeNode = NodePort & {
  calls: string[]
  settle(id: string, end: { exitCode?: number; signal?: string; timedOut?: boolean }): void
  /** Begins an attempt whose output the test gives. */
  begin(id: string, worker?: string): number
  lose(id: string): void
  write(id: string, stream: LogChunk['stream'], text: string, base64?: string): void
  emit(type: string, entity: string, id: string, data?: unknown): void
  readers(): number
}

export function createFakeNode(): FakeNode {
  const tasks = new Map<string, TaskView>()
  const logs = new Map<string, LogChunk[]>()
  const events: EventView[] = []
  const wakers = new Set<() => void>()
  const calls: string[] = []
  let readers = 0
  const wake = () => {
    for (const waker of wakers) waker()
  }
  const changed = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const done = () => {
        wakers.delete(done)
        resolve()
      }
      wakers.add(done)
      signal.addEventListener('abort', done, { once: true })
    })

  const fake: FakeNode = {
    calls,
    mesh: () => ({
      mesh: 'fakemesh',
      self: worker(),
      members: [worker()],
      group: { name: 'default', version: 1, seats: [PEER], reachable: 1, majority: 1 },
      tasks: counts(tasks),
      foldHash: 'f00d',
      entries: tasks.size,
      httpAddress: '',
      uptimeMs: 1000,
    }),
    workers: () => [worker()],
    findWorker: (name) => (name === 'box' || name === PEER ? worker() : undefined),
    tasks({ limit, cursor, q, state }) {
      const all = [...tasks.values()]
        .toReversed()
        .filter((task) => (state === undefined || task.state === state) && (q === undefined || JSON.stringify(task.spec).includes(q)))
      const start = cursor === undefined ? 0 : all.findIndex((task) => task.id === cursor) + 1
      const items = all.slice(start, start + limit)
      return { items, ...(start + limit < all.length ? { next: items.at(-1)!.id } : {}) }
    },
    task: (id) => tasks.get(id),
    async publish(requests) {
      const made = requests.map(newTask)
      for (const task of made) {
        tasks.set(task.id, task)
        fake.emit('task.updated', 'task', task.id, task)
      }
      return { ids: made.map((task) => task.id as never), duplicates: new Set(), durability: 'majority' }
    },
    async cancel(id) {
      calls.push(`cancel ${id}`)
      const task = tasks.get(id)!
      if (task.result !== undefined) throw new NimbusError('task-ended', 'It has ended.', { kind: 'refused', cure: 'Use retry.' })
      task.state = 'cancelled'
      task.result = { endedAt: Date.now() }
      fake.emit('task.updated', 'task', id, task)
      return task
    },
    async retry(id) {
      const { ids } = await fake.publish([tasks.get(id)!.spec as unknown as TaskRequest])
      return tasks.get(ids[0]!)!
    },
    terminals: noTerminals,
    retryMany: async () => ({ items: [], durability: 'majority' }),
    pools: () => [],
    setPool: async (name, paused) => ({ name, paused, workers: [], slots: 0, freeSlots: 0, open: 0, running: 0 }),
    async *readLog(id, { from, follow, attempt, signal }) {
      readers++
      try {
        const epochOf = () => attempt ?? tasks.get(id)!.attempts.at(-1)?.epoch
        while (follow && epochOf() === undefined && !signal.aborted && tasks.get(id)!.result === undefined) await changed(signal)
        const epoch = epochOf()
        if (epoch === undefined) return
        for (let at = 0; !signal.aborted; ) {
          const chunk = logs.get(`${id} ${epoch}`)?.[at]
          if (chunk !== undefined) {
            at++
            if (chunk.offset >= from) yield chunk
          } else if (!follow || tasks.get(id)!.attempts.find((item) => item.epoch === epoch)?.outcome !== 'running') return
          else await changed(signal)
        }
      } finally {
        readers--
      }
    },
    blobs: createFakeFiles(),
    secrets: createFakeSecrets(),
    passes: { ask: () => Promise.resolve([]) },
    isBelow: (task, ancestor) => task === ancestor,
    async waitFor(id, { signal }) {
      while (tasks.get(id)!.result === undefined && !signal.aborted) await changed(signal)
      return tasks.get(id)!
    },
    reportProgress: (id, report) => void calls.push(`progress ${id} ${JSON.stringify(report)}`),
    async invite() {
      return { invite: 'nim1-fake', expiresAt: Date.now() + 900_000 }
    },
    async command(peerId, verb) {
      calls.push(`${verb} ${peerId}`)
      return { ...worker(), mode: verb === 'drain' ? 'draining' : 'active' }
    },
    async removeWorker(peerId) {
      calls.push(`remove ${peerId}`)
    },
    async leave() {
      calls.push('leave')
    },
    async shutdown({ drain }) {
      calls.push(`shutdown ${drain}`)
    },
    async *events({ since, signal }): AsyncGenerator<StreamEvent> {
      readers++
      try {
        let at = since === undefined ? events.length : events.findIndex((event) => event.cursor === since) + 1
        if (since !== undefined && at === 0) yield { type: 'resync' }
        while (!signal.aborted) {
          const event = events[at]
          if (event === undefined) await changed(signal)
          else {
            at++
            yield event
          }
        }
      } finally {
        readers--
      }
    },
    messages: createPostOffice(PEER).post,
    schedules: createScheduleRoom(PEER).desk,
    ...createFakeRooms(PEER),
    metrics: async () => '# TYPE nimbus_up gauge\nnimbus_up 1\n',
    settle(id, end) {
      const task = tasks.get(id)!
      const attempt = task.attempts.at(-1)!
      Object.assign(attempt, { ...end, outcome: end.exitCode === 0 ? 'succeeded' : 'failed', endedAt: Date.now() })
      task.state = end.exitCode === 0 ? 'succeeded' : 'failed'
      task.result = { ...end, endedAt: Date.now() }
      fake.emit('task.updated', 'task', id, task)
    },
    begin(id, workerName = 'box') {
      const task = tasks.get(id)!
      const epoch = task.attempts.length + 1
      task.attempts.push({ epoch, worker: PEER, workerName, startedAt: Date.now(), outcome: 'running' })
      task.state = 'running'
      fake.emit('task.updated', 'task', id, task)
      return epoch
    },
    lose(id) {
      const task = tasks.get(id)!
      Object.assign(task.attempts.at(-1)!, { outcome: 'lost', endedAt: Date.now() })
      task.state = 'ready'
      fake.emit('task.updated', 'task', id, task)
    },
    write(id, stream, text, base64) {
      const key = `${id} ${tasks.get(id)!.attempts.at(-1)!.epoch}`
      const list = logs.get(key) ?? []
      const last = list.at(-1)
      const offset =
        last === undefined ? 0 : last.offset + Buffer.from(last.base64 ?? last.text, last.base64 === undefined ? 'utf8' : 'base64').length
      list.push({ offset, stream, time: Date.now(), text, ...(base64 === undefined ? {} : { base64 }) })
      logs.set(key, list)
      wake()
    },
    emit(type, entity, id, data = {}) {
      events.push({ cursor: `c${events.length + 1}`, time: Date.now(), type, entity, id, data: structuredClone(data) })
      wake()
    },
    readers: () => readers,
  }
  return fake
}

function worker(): WorkerView {
  return {
    peerId: PEER,
    name: 'box',
    self: true,
    state: 'alive',
    mode: 'active',
    roles: ['build'],
    skills: ['node'],
    labels: {},
    pool: null,
    repo: null,
    slots: 2,
    freeSlots: 2,
    load: 0.1,
    memoryFreeMb: 100,
    version: '0.1.0',
    protocol: 1,
    memberRole: 'admin',
    keeper: true,
    lastSeenMs: 0,
    roundTripMs: null,
    running: [],
    addresses: [],
    joinedAt: 1,
  }
}

function newTask(request: TaskRequest): TaskView {
  const now = Date.now()
  return {
    id: taskId(PEER, now, randomBytes(16)),
    state: 'ready',
    spec: { ...request },
    author: PEER,
    authorName: 'box',
    createdAt: now,
    updatedAt: now,
    attempts: [],
    group: 'default',
  }
}

function counts(tasks: Map<string, TaskView>) {
  const out = { blocked: 0, scheduled: 0, ready: 0, running: 0, succeeded: 0, failed: 0, dead: 0, cancelled: 0 }
  for (const task of tasks.values()) out[task.state]++
  return out
}
