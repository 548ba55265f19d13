// What happened in a real mesh, as evidence for the judge of histories: answers of the API, the lines that each run writes
// about itself outside of its folder, and what the nodes show. Its times are the machine's own monotonic ones.
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { MeshView, Page, TaskView } from '../../protocols/http/views.ts'
import { describeViolation, type Observation, type Seen, violationsOf } from '../mesh/history.ts'
import type { RealMesh, RealNode } from './real-mesh.ts'
import { until } from './until.ts'

/** `mark`: a file of its own for the start of each run, where the ledger is too long to be read again and again. */
export type WorkWish = { beats?: number; worker?: string; gate?: string; mark?: string }
export type Witness = {
  observations: Observation[]
  /** Work that writes a line ten times a second, for `beats` beats or until the file `gate` is there. Undefined: no answer came. */
  publish(node: RealNode, wish?: WorkWish): Promise<{ id: string; status: number } | undefined>
  cancel(node: RealNode, id: string): Promise<void>
  /** All that a node shows now. */
  look(node: RealNode): Promise<readonly Seen[]>
  /** What the runs have written so far. */
  lines(): Promise<readonly Line[]>
  /** Waits until all nodes have settled all they know, with one fold, looks at all of it and judges. */
  judge(nodes: readonly RealNode[], timeoutMs: number): Promise<string[]>
  counts: { acknowledged: number; local: number; unanswered: number; cancelled: number }
}
export type Line = { task: string; epoch: number; node: string; word: string; atMs: number }
export type Load = { stop(): Promise<void> }

const PAGE = 200
/** The shell reads the clock itself: no process is started between the look at the clock and the line. */
const WORK = `
say() { read -r up _ </proc/uptime; echo "$NIMBUS_TASK $NIMBUS_FENCE $NIMBUS_WORKER $1 $up" >>"$LEDGER"; }
say start
[ -z "$MARK" ] || echo "$NIMBUS_FENCE $NIMBUS_WORKER $up" >>"$MARK"
n=0
until { [ -n "$GATE" ] && [ -e "$GATE" ]; } || { [ -z "$GATE" ] && [ "$n" -ge "$BEATS" ]; }; do sleep 0.1; n=$((n + 1)); say beat; done
echo "epoch $NIMBUS_FENCE"
say end`

/** Milliseconds since the machine started, in steps of ten, as the runs see them. */
export function upMs(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000
}

export function createWitness(mesh: RealMesh): Witness {
  const ledger = join(mesh.dir, 'witness')
  const observations: Observation[] = []
  const counts = { acknowledged: 0, local: 0, unanswered: 0, cancelled: 0 }
  const nameOf = (peer: string): string => mesh.nodes.find(({ ready }) => ready.peerId === peer)?.name ?? peer
  const lines = async (): Promise<Line[]> => parseLines(await readFile(ledger, 'utf8').catch(() => '')) // nothing has run yet
  const look = async (node: RealNode): Promise<Seen[]> => (await viewsOf(node)).map((view) => seenOf(view, nameOf))
  return {
    observations,
    counts,
    lines,
    async publish(node, { beats = 3, worker, gate = '', mark = '' } = {}) {
      const body = {
        argv: ['sh', '-c', WORK],
        env: { LEDGER: ledger, BEATS: String(beats), GATE: gate, MARK: mark },
        ...(worker === undefined ? {} : { worker }),
      }
      try {
        const answer = await node.api<{ id: string }>('/api/tasks', { body })
        if (answer.status !== 201 && answer.status !== 202)
          throw new Error(`publishing was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
        const acknowledged = answer.status === 201
        counts[acknowledged ? 'acknowledged' : 'local'] += 1
        observations.push({ kind: 'published', task: answer.body.id, acknowledged })
        return { id: answer.body.id, status: answer.status }
      } catch (error) {
        if (!(error instanceof TypeError)) throw error // fetch tells so that the node went away under it
        counts.unanswered += 1
        return undefined
      }
    },
    async cancel(node, id) {
      const { status, body } = await node.api<TaskView>(`/api/tasks/${id}/cancel`, { method: 'POST' })
      if (status !== 200 || body.state !== 'cancelled') return
      counts.cancelled += 1
      observations.push({ kind: 'saw', node: node.name, atMs: upMs(), whole: false, tasks: [seenOf(body, nameOf)] })
    },
    async look(node) {
      const tasks = await look(node)
      observations.push({ kind: 'saw', node: node.name, atMs: upMs(), whole: true, tasks })
      return tasks
    },
    async judge(nodes, timeoutMs) {
      const known = new Set<string>()
      for (const one of observations) if (one.kind === 'published' && one.acknowledged) known.add(one.task)
      await atRest(nodes, known, timeoutMs)
      const rests = await Promise.all(
        nodes.map(async (node): Promise<Observation> => {
          const { foldHash } = await node.mesh()
          return { kind: 'rest', node: node.name, foldHash, conflicts: await conflictsOf(node), tasks: await look(node) }
        }),
      )
      return violationsOf([...observations, ...rests, ...runsOf(await lines())]).map(describeViolation)
    },
  }
}

/** One publication each `everyMs`, on each of the nodes in turn, whatever becomes of the one before. */
export function startLoad(witness: Witness, nodes: () => readonly RealNode[], everyMs: number, wish: WorkWish = {}): Load {
  const stopping = new AbortController()
  const pending = new Set<Promise<unknown>>()
  const stream = async (): Promise<void> => {
    for (let turn = 0; !stopping.signal.aborted; turn++) {
      const all = nodes()
      const node = all[turn % all.length]
      if (node !== undefined) {
        const one: Promise<unknown> = witness.publish(node, wish).finally(() => pending.delete(one))
        pending.add(one)
      }
      await pause(everyMs, undefined, { signal: stopping.signal }).catch(() => {}) // stopped: the loop ends
    }
  }
  const done = stream()
  return {
    async stop() {
      stopping.abort()
      await done
      await Promise.all(pending)
    },
  }
}

/** One fold hash on all of these nodes. */
export async function oneFold(nodes: readonly RealNode[], timeoutMs: number): Promise<void> {
  await until(async () => new Set((await Promise.all(nodes.map((node) => node.mesh()))).map(({ foldHash }) => foldHash)).size === 1, {
    what: `one fold hash on ${nodes.length} nodes`,
    timeoutMs,
  })
}

/** What is missing or open is in the error when it never comes. */
async function atRest(nodes: readonly RealNode[], acknowledged: ReadonlySet<string>, timeoutMs: number): Promise<void> {
  try {
    await until(
      async () => {
        const views = await Promise.all(nodes.map((node) => node.mesh()))
        return views.every((view) => openIn(view) === 0 && countIn(view) >= acknowledged.size && view.foldHash === views[0]?.foldHash)
      },
      { what: 'all tasks to be settled everywhere', timeoutMs, intervalMs: 100 },
    )
  } catch {
    console.log(
      'ATREST',
      await Promise.all(
        nodes.map(async (n) => {
          const v = await n.mesh()
          return [n.name, v.tasks, v.foldHash.slice(0, 6)]
        }),
      ),
      acknowledged.size,
    )
  }
}

const countIn = ({ tasks }: MeshView): number => Object.values(tasks).reduce((sum, count) => sum + count, 0)
const openIn = ({ tasks }: MeshView): number => tasks.blocked + tasks.scheduled + tasks.ready + tasks.running

async function viewsOf(node: RealNode): Promise<TaskView[]> {
  const views: TaskView[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const { body }: { body: Page<TaskView> } = await node.api(`/api/tasks?limit=${PAGE}${cursor === '' ? '' : `&cursor=${cursor}`}`)
    views.push(...body.items)
    cursor = body.next
  }
  return views
}

function seenOf(view: TaskView, nameOf: (peer: string) => string): Seen {
  const epochs = view.attempts.map(({ epoch, worker, outcome }) => ({
    epoch,
    holder: nameOf(worker),
    ...(outcome === 'running' ? {} : { result: outcome }),
  }))
  const attempt = 1 + view.attempts.filter(({ outcome }) => outcome === 'failed').length
  const { state } = view
  if ((state !== 'succeeded' && state !== 'failed' && state !== 'dead' && state !== 'cancelled') || view.provisional === true)
    return { task: view.id, epochs, attempt }
  const epoch = view.attempts.at(-1)?.epoch ?? 0
  // A cancel of what nobody ran has no outcome, so its time is only when each node heard of it.
  const { endedAt, ...result } = view.result ?? { endedAt: 0 }
  const outcome = JSON.stringify([state, epoch, result, state === 'cancelled' ? 0 : endedAt])
  return { task: view.id, epochs, attempt, settled: { end: state, epoch, outcome } }
}

function parseLines(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    const [task, epoch, node, word, up] = line.split(' ')
    if (task === undefined || node === undefined || word === undefined || up === undefined) return []
    return [{ task, epoch: Number(epoch), node, word, atMs: Number(up) * 1000 }]
  })
}

function runsOf(lines: readonly Line[]): Observation[] {
  const runs = new Map<string, Extract<Observation, { kind: 'ran' }>>()
  for (const { task, epoch, node, word, atMs } of lines) {
    const run = runs.get(`${task} ${epoch} ${node}`) ?? { kind: 'ran', task, epoch, node, fromMs: atMs, toMs: atMs, finished: false }
    runs.set(`${task} ${epoch} ${node}`, run)
    run.toMs = Math.max(run.toMs, atMs)
    run.finished ||= word === 'end'
  }
  return [...runs.values()]
}

async function conflictsOf(node: RealNode): Promise<number> {
  return (await metricsOf(node)).get('nimbus_fold_conflicts') ?? Infinity
}

/** The figures of a node's /metrics, by name with labels as written there. */
export async function metricsOf(node: RealNode): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${node.ready.http}/metrics`, { headers: { authorization: `Bearer ${node.token}` } })
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
}
