// Judges a history of a mesh, simulated or real, by the promises of decision 0001. Pure: observations in, broken promises out.
// What it is told must be evidence (answers, signs of life of processes, views), never what somebody hoped for.

export type End = 'succeeded' | 'failed' | 'dead' | 'cancelled'
/** One task as one node showed it. */
export type Seen = {
  task: string
  /** Who held which epoch, and how that run ended, where it did. */
  epochs: readonly { epoch: number; holder: string; result?: string }[]
  /** Failures counted so far, plus one. */
  attempt: number
  /** Only where the end is settled. Two nodes that write the same outcome here mean the same one, to the byte. */
  settled?: { end: End; epoch: number; outcome: string }
  /** It may run at several workers at once; only its result is decided. */
  available?: boolean
  /** A joint: it is settled by its holder, and no process runs. */
  joint?: true
}
export type Observation =
  /** An answer to a publication: `acknowledged` for 201, otherwise it is on one disk. */
  | { kind: 'published'; task: string; acknowledged: boolean }
  /** The processes of one run: their first and their last sign of life, on one monotonic line for all; frozen is no sign of life. */
  | { kind: 'ran'; task: string; epoch: number; node: string; fromMs: number; toMs: number; finished: boolean; available?: true }
  /** What a node showed; `whole` where it is all that it knew then. */
  | { kind: 'saw'; node: string; atMs: number; whole: boolean; tasks: readonly Seen[] }
  /** These nodes could not reach a majority, and every lease from before had run out when it began. */
  | { kind: 'minority'; nodes: readonly string[]; fromMs: number; toMs: number }
  /** All that a node has when everybody is back and nothing is left to do; `conflicts` is its own count of values that differ. */
  | { kind: 'rest'; node: string; foldHash: string; conflicts: number; tasks: readonly Seen[] }
export type PromiseName = 'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P6' | 'P7' | 'P8'
export type Violation = { promise: PromiseName; task?: string; text: string }

type Of<Kind extends Observation['kind']> = Extract<Observation, { kind: Kind }>
type Run = Of<'ran'>
type History = {
  published: Of<'published'>[]
  /** By task, in the order of epochs. */
  runs: Map<string, Run[]>
  saws: Of<'saw'>[]
  minorities: Of<'minority'>[]
  rests: Of<'rest'>[]
  /** Every view of a task, by whom and when; a view at rest comes after all else. */
  views: { node: string; atMs: number; seen: Seen }[]
}

/**
 * P9 is about seats and has no trace outside of a node; the simulator's planted faults stand for it.
 * @param options.workFails whether some of the work fails by itself; where it does not, only a loss can have used up an attempt
 */
export function violationsOf(observations: readonly Observation[], options: { workFails?: boolean } = {}): Violation[] {
  const history = ordered(observations)
  // A run may be all that is left of a task: it was on one disk only, and that one lost its last batch.
  const free = new Set([
    ...history.views.flatMap(({ seen }) => (seen.available === true ? [seen.task] : [])),
    ...[...history.runs.values()].flat().flatMap(({ task, available }) => (available === true ? [task] : [])),
  ])
  // P11 takes the place of the promises about one holder; that an end is settled once, by a majority, still holds.
  const exclusive = [...twoHolders(history), ...overlaps(history), ...ranThoughCancelled(history)]
  const inMinority = minorityDecided(history).filter(({ task = '', text }) => !free.has(task) || text.startsWith('was settled'))
  return [
    ...exclusive.filter(({ task }) => task === undefined || !free.has(task)),
    ...lostAcknowledged(history),
    ...twoResults(history, free),
    ...inMinority,
    ...unequalFolds(history),
    ...unfinished(history, options.workFails === true),
  ]
}

export function describeViolation({ promise, task, text }: Violation): string {
  return task === undefined ? `${promise}: ${text}` : `${promise}: ${task} ${text}`
}

function ordered(observations: readonly Observation[]): History {
  const of = <Kind extends Observation['kind']>(kind: Kind): Of<Kind>[] => observations.filter((one): one is Of<Kind> => one.kind === kind)
  const runs = new Map<string, Run[]>()
  for (const run of of('ran')) runs.set(run.task, [...(runs.get(run.task) ?? []), run])
  for (const list of runs.values()) list.sort((a, b) => a.epoch - b.epoch)
  const [saws, rests] = [of('saw'), of('rest')]
  const views = [
    ...saws.flatMap(({ node, atMs, tasks }) => tasks.map((seen) => ({ node, atMs, seen }))),
    ...rests.flatMap(({ node, tasks }) => tasks.map((seen) => ({ node, atMs: Infinity, seen }))),
  ]
  return { published: of('published'), runs, saws, rests, minorities: of('minority'), views }
}

function lostAcknowledged({ published, rests }: History): Violation[] {
  const known = rests.map(({ node, tasks }) => ({ node, ids: new Set(tasks.map(({ task }) => task)) }))
  return published.flatMap(({ task, acknowledged }) => {
    const without = acknowledged ? known.filter(({ ids }) => !ids.has(task)).map(({ node }) => node) : []
    return without.length === 0 ? [] : [{ promise: 'P1' as const, task, text: `was acknowledged, and ${without.join(', ')} lost it` }]
  })
}

function twoHolders({ runs, views, rests }: History): Violation[] {
  const broken: Violation[] = rests
    .filter(({ conflicts }) => conflicts > 0)
    .map(({ node, conflicts }) => ({ promise: 'P2', text: `${conflicts} times two values of one version at ${node}` }))
  const holders = new Map<string, Set<string>>()
  const note = (task: string, epoch: number, holder: string): void => {
    const key = `${task}/${epoch}`
    const known = holders.get(key) ?? new Set()
    holders.set(key, known.add(holder))
    if (known.size === 2) broken.push({ promise: 'P2', task, text: `has the holders ${[...known].join(' and ')} in epoch ${epoch}` })
  }
  for (const list of runs.values()) for (const { task, epoch, node } of list) note(task, epoch, node)
  for (const { seen } of views) for (const { epoch, holder } of seen.epochs) note(seen.task, epoch, holder)
  return unique(broken)
}

/** No sign of life of an epoch after the first one of a later epoch, and none after the end was there to be seen. */
function overlaps({ runs, views }: History): Violation[] {
  const broken: Violation[] = []
  const endSeenMs = firstEnds(views)
  for (const [task, list] of runs) {
    for (const [index, run] of list.entries()) {
      const later = list.slice(index + 1).find((other) => other.epoch > run.epoch && other.fromMs < run.toMs)
      if (later !== undefined)
        broken.push({
          promise: 'P3',
          task,
          text: `${nameOf(run)} was alive at ${run.toMs}, after ${nameOf(later)} began at ${later.fromMs}`,
        })
      const endedMs = endSeenMs.get(task) ?? Infinity
      if (run.toMs > endedMs)
        broken.push({ promise: 'P3', task, text: `${nameOf(run)} was alive at ${run.toMs}, its end was seen at ${endedMs}` })
    }
  }
  return broken
}

function twoResults({ runs, views }: History, free: ReadonlySet<string>): Violation[] {
  const broken: Violation[] = []
  const outcomes = new Map<string, string>()
  for (const { node, seen } of views) {
    const { task, settled, epochs, joint } = seen
    const accepted = epochs.filter(({ result }) => result === 'succeeded').map(({ epoch }) => epoch)
    if (accepted.length > 1 && !free.has(task))
      broken.push({ promise: 'P4', task, text: `shows successes in epochs ${accepted.join(' and ')} at ${node}` })
    if (settled === undefined) continue
    const known = outcomes.get(task) ?? settled.outcome
    outcomes.set(task, known)
    if (known !== settled.outcome)
      broken.push({ promise: 'P4', task, text: `was settled as ${known} and, at ${node}, as ${settled.outcome}` })
    const done = runs.get(task)?.some(({ epoch, finished }) => finished && epoch === settled.epoch)
    if (runs.size > 0 && joint !== true && settled.end === 'succeeded' && done !== true)
      broken.push({ promise: 'P4', task, text: `succeeded in epoch ${settled.epoch}, of which no run came to its end` })
  }
  return unique(broken)
}

/** On such a side nothing begins, and nothing is claimed or settled that was not so in the first whole look at each node. */
function minorityDecided({ runs, saws, minorities }: History): Violation[] {
  return unique(
    minorities.flatMap(({ nodes, fromMs, toMs }) => {
      const started = [...runs.values()].flat().filter(({ node, fromMs: at }) => nodes.includes(node) && at > fromMs && at < toMs)
      const broken = started.map((run): Violation => ({ promise: 'P5', task: run.task, text: `${nameOf(run)} began in a minority` }))
      const looks = saws
        .filter(({ node, atMs, whole }) => whole && nodes.includes(node) && atMs >= fromMs && atMs <= toMs)
        .sort((a, b) => a.atMs - b.atMs)
      const firstLooks = nodes.flatMap((node) => looks.find((look) => look.node === node) ?? [])
      const before = new Map<string, { epoch: number; settled: boolean }>()
      for (const seen of firstLooks.flatMap(({ tasks }) => tasks)) {
        const known = before.get(seen.task)
        before.set(seen.task, {
          epoch: Math.max(known?.epoch ?? 0, epochOf(seen)),
          settled: known?.settled === true || seen.settled !== undefined,
        })
      }
      for (const { node, tasks } of looks) {
        for (const seen of tasks) {
          const known = before.get(seen.task) ?? { epoch: 0, settled: false }
          if (epochOf(seen) > known.epoch) broken.push({ promise: 'P5', task: seen.task, text: `was claimed in the minority of ${node}` })
          if (seen.settled !== undefined && !known.settled)
            broken.push({ promise: 'P5', task: seen.task, text: `was settled in the minority of ${node}` })
        }
      }
      return broken
    }),
  )
}

function unequalFolds({ rests }: History): Violation[] {
  const hashes = new Set(rests.map(({ foldHash }) => foldHash))
  return hashes.size <= 1 ? [] : [{ promise: 'P6', text: `${hashes.size} different folds at ${rests.length} nodes at rest` }]
}

function unfinished({ rests }: History, workFails: boolean): Violation[] {
  const all = rests.flatMap(({ node, tasks }) => tasks.map((seen) => ({ node, seen })))
  const open = all
    .filter(({ seen }) => seen.settled === undefined)
    .map(({ node, seen }): Violation => ({ promise: 'P7', task: seen.task, text: `is not settled at ${node}` }))
  const failed = all.filter(({ seen }) => seen.attempt !== 1 || seen.settled?.end === 'failed' || seen.settled?.end === 'dead')
  const counted = workFails
    ? []
    : failed.map(({ node, seen: { task, settled, attempt } }): Violation => {
        return {
          promise: 'P7',
          task,
          text: `${settled?.end ?? 'open'} after ${attempt} attempts at ${node}, but its work never fails by itself`,
        }
      })
  return unique([...open, ...counted])
}

function ranThoughCancelled({ runs, views }: History): Violation[] {
  const cancelled = views.filter(({ seen }) => seen.settled?.end === 'cancelled')
  const broken = cancelled.flatMap(({ atMs, seen: { task, settled } }) => {
    const wrong = (runs.get(task) ?? []).filter((run) => settled?.epoch === 0 || run.toMs > atMs || run.epoch > (settled?.epoch ?? 0))
    return wrong.map(
      (run): Violation => ({ promise: 'P8', task, text: `${nameOf(run)} ran though its cancel was settled in epoch ${settled?.epoch}` }),
    )
  })
  return unique(broken)
}

function firstEnds(views: History['views']): Map<string, number> {
  const first = new Map<string, number>()
  for (const { atMs, seen } of views) if (seen.settled !== undefined) first.set(seen.task, Math.min(atMs, first.get(seen.task) ?? Infinity))
  return first
}

const epochOf = (seen: Seen): number => Math.max(0, ...seen.epochs.map(({ epoch }) => epoch))
const nameOf = (run: Run): string => `epoch ${run.epoch} at ${run.node}`

/** Many nodes see the same breach; the first tells it. */
function unique(violations: readonly Violation[]): Violation[] {
  const seen = new Set<string>()
  return violations.filter(({ promise, task, text }) => {
    const key = `${promise} ${task ?? text} ${text.replace(/ at \S+$/, '')}`
    return !seen.has(key) && seen.add(key)
  })
}
