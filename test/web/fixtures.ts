// A small mesh in the shapes of the API: what views are tested and photographed with. Times count back from `now`.
import type { MessageView } from '../../protocols/http/messages.ts'
import type { ScheduleView } from '../../protocols/http/schedules.ts'
import type { AttemptView, LogChunk, MeshView, TaskStateName, TaskView, WorkerView } from '../../protocols/http/views.ts'

const MINUTE = 60_000
const nameOf = (index: number) => ['alder', 'birch', 'cedar'].at(index % 3) ?? 'alder'
export const peerIdOf = (name: string) => `12D3KooW${name.padEnd(44, 'x1Qz9Rt7Vb')}`
const taskIdOf = (index: number) => `01jd${index.toString().padStart(4, '0')}q7wk3mv8t2ga5znc9x`

export function aWorker(name: string, more: Partial<WorkerView> = {}): WorkerView {
  return {
    peerId: peerIdOf(name),
    name,
    self: false,
    state: 'alive',
    mode: 'active',
    roles: ['worker'],
    skills: ['node', 'git'],
    labels: {},
    pool: null,
    repo: null,
    slots: 4,
    freeSlots: 4,
    load: 31,
    memoryFreeMb: 5_210,
    version: '0.1.0',
    protocol: 1,
    memberRole: 'member',
    keeper: true,
    lastSeenMs: 700,
    roundTripMs: 0.8,
    running: [],
    addresses: ['/ip4/127.0.0.1/tcp/7701', '/ip4/10.0.0.12/tcp/7701'],
    joinedAt: Date.now() - 3_000 * MINUTE,
    ...more,
  }
}

export function aTask(index: number, state: TaskStateName, more: Partial<TaskView> & { name?: string; argv?: string[] } = {}): TaskView {
  const { name, argv, ...view } = more
  const createdAt = Date.now() - index * 3 * MINUTE - 40_000
  const ended = state === 'succeeded' || state === 'failed' || state === 'dead'
  const started = ended || state === 'running'
  const attempt: AttemptView = {
    epoch: 1,
    worker: peerIdOf(nameOf(index)),
    workerName: nameOf(index),
    startedAt: createdAt + 1_200,
    outcome: state === 'running' ? 'running' : state === 'succeeded' ? 'succeeded' : 'failed',
    ...(ended ? { endedAt: createdAt + 31_000, exitCode: state === 'succeeded' ? 0 : 1 } : {}),
  }
  return {
    id: taskIdOf(index),
    state,
    spec: {
      kind: 'shell',
      argv: argv ?? ['npm', 'run', 'check', '--', `--shard=${index}/9`],
      priority: 5,
      attempts: state === 'dead' ? 3 : 1,
      ...(name === undefined ? {} : { name }),
    },
    author: peerIdOf('alder'),
    authorName: 'alder',
    createdAt,
    updatedAt: ended ? createdAt + 31_000 : createdAt + 1_200,
    attempts: started ? [attempt] : [],
    ...(ended
      ? {
          result: {
            exitCode: state === 'succeeded' ? 0 : 1,
            endedAt: createdAt + 31_000,
            tail: state === 'succeeded' ? 'ok\n' : 'AssertionError: expected 3 members, saw 2\n',
            log: { hash: 'a'.repeat(64), size: 5_400 },
          },
        }
      : {}),
    group: 'default',
    ...view,
  }
}

export function someTasks(): TaskView[] {
  const first = aTask(4, 'dead', { name: 'nightly: replay ledger' })
  const [attempt = never()] = first.attempts
  const lost = { ...attempt, outcome: 'lost' as const, endedAt: first.createdAt + 9_000 }
  const again = (epoch: number, from: number) => ({
    ...attempt,
    epoch,
    startedAt: first.createdAt + from,
    endedAt: first.createdAt + from + 7_000,
    worker: peerIdOf('birch'),
    workerName: 'birch',
  })
  return [
    aTask(0, 'running', {
      name: 'build web',
      argv: ['npx', 'vite', 'build', 'web'],
      progress: { phase: 'cloning', message: 'cloning nimbus-mesh', percent: 62 },
    }),
    aTask(1, 'running', { argv: ['sh', '-c', 'for i in $(seq 1 400); do echo "step $i of 400"; sleep 1; done'] }),
    aTask(2, 'ready', {
      name: 'train on gpu',
      argv: ['python3', 'train.py', '--epochs', '12'],
      waiting: {
        code: 'no-skill',
        message: 'No worker that is online has the skill gpu.',
        since: Date.now() - 4 * MINUTE,
        cure: 'Start one with nimbus up --skill gpu, or publish without it.',
      },
    }),
    aTask(3, 'scheduled', { name: 'sweep old work trees' }),
    { ...first, attempts: [lost, again(2, 10_000), again(3, 18_000), again(4, 24_000)] },
    aTask(5, 'failed', { argv: ['cargo', 'test', '--workspace'] }),
    aTask(6, 'succeeded', { name: 'lint' }),
    aTask(7, 'cancelled', { name: 'bench: merge of 100,000 entries' }),
    aTask(8, 'blocked', {
      name: 'deploy page',
      waiting: {
        code: 'blocked',
        message: 'Waits for 1 task that has not succeeded.',
        since: Date.now() - MINUTE,
        cure: 'See its dependencies.',
      },
    }),
    ...Array.from({ length: 24 }, (_, at) => aTask(9 + at, 'succeeded', at % 3 === 0 ? { name: `unit tests of room ${at}` } : {})),
  ]
}

function someWorkers(): WorkerView[] {
  const tasks = someTasks()
  return [
    aWorker('alder', { self: true, freeSlots: 3, running: [tasks[0]?.id ?? ''], roundTripMs: null, load: 42 }),
    aWorker('birch', {
      freeSlots: 2,
      running: [tasks[1]?.id ?? '', taskIdOf(77)],
      roundTripMs: 0.6,
      load: 187,
      pool: 'ci',
      skills: ['node', 'git', 'rust', 'chromium'],
    }),
    aWorker('cedar', { mode: 'draining', roundTripMs: 12.4, keeper: true, load: 5 }),
    aWorker('dogwood', { roundTripMs: 48, keeper: false, slots: 24, freeSlots: 24, load: 1, pool: 'big', memberRole: 'admin' }),
    aWorker('elm', { state: 'dead', roundTripMs: null, lastSeenMs: 6 * MINUTE, keeper: false }),
  ]
}

export function aMesh(more: Partial<MeshView> = {}): MeshView {
  const members = someWorkers()
  const [self = never()] = members
  return {
    mesh: '7kq2mz4vcx8r1t9wbn3g5hj6da0pfs2e',
    self,
    members,
    group: { name: 'default', version: 3, seats: ['alder', 'birch', 'cedar'].map(peerIdOf), reachable: 3, majority: 2 },
    tasks: { blocked: 1, scheduled: 1, ready: 1, running: 2, succeeded: 1_284, failed: 1, dead: 1, cancelled: 1 },
    foldHash: '9f2c41d07be3a85566ab04c18d3e7790f1b2c3d4e5f60718293a4b5c6d7e8f90',
    entries: 5_120,
    httpAddress: 'http://127.0.0.1:7777',
    uptimeMs: 3 * 60 * MINUTE,
    ...more,
  }
}

export function someOutput(lines: number): LogChunk[] {
  const chunks: LogChunk[] = []
  let offset = 0
  const add = (stream: LogChunk['stream'], text: string) => {
    chunks.push({ offset, stream, time: Date.now() - (lines - chunks.length) * 100, text })
    offset += new TextEncoder().encode(text).length
  }
  add('system', 'cloned https://example.org/nimbus.git at 4f1c2d9 in 1.2 s\n')
  for (let at = 1; at <= lines; at++) {
    if (at % 17 === 0) add('stderr', `\u001b[33mwarning\u001b[0m: retry ${at} took longer than expected <b>not bold</b> \u202e evil\n`)
    else add('stdout', `\u001b[32m✓\u001b[0m test ${at}: merge is commutative for ${at * 37} entries in ${(at * 13) % 90} ms\n`)
  }
  return chunks
}

function never(): never {
  throw new Error('the fixtures are not as they say')
}

export function aSchedule(name: string, more: Partial<ScheduleView> = {}): ScheduleView {
  const next = Date.now() + 3_700_000
  return {
    name,
    state: 'active',
    ...(more.everyMs === undefined ? { cron: '0 3 * * *', timezone: 'Europe/Berlin' } : {}),
    overlap: 'skip',
    missed: 'latest',
    author: peerIdOf('alder'),
    authorName: 'alder',
    createdAt: Date.now() - 90_000 * MINUTE,
    next: [0, 1, 2, 3, 4].map((day) => next + day * 86_400_000),
    last: { at: next - 86_400_000, task: taskIdOf(3) },
    task: { kind: 'shell', argv: ['npm', 'run', 'nightly'] },
    ...more,
  }
}

export function aMessage(index: number, body: unknown, more: Partial<MessageView> = {}): MessageView {
  return {
    id: `m${index}`,
    from: { worker: peerIdOf('birch'), workerName: 'birch' },
    to: { worker: peerIdOf('alder'), workerName: 'alder' },
    createdAt: Date.now() - index * 4 * MINUTE,
    read: false,
    body,
    ...more,
  }
}
