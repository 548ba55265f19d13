// What all sessions of the mesh cost, as a part of the fold: of each worker, task, model and day the largest amount that this worker
// signed. Nothing is added up here that could be added twice.
import type { Block } from '../../../protocols/blocks.ts'
import type { TokenCounts } from '../../../protocols/agents/agent-events.ts'
import type { CostRecord } from '../../../protocols/agents/cost-records.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import { FUTURE_MS_MAX } from '../../../protocols/limits.ts'
import { hlcToMs } from '../../kernel/hlc.ts'
import type { FoldPart } from '../../tasks/fold/fold.ts'

/** Lines that are remembered: those of the newest days. What falls out sets a floor that only rises, so the result depends on the set alone. */
const LINES_MAX = 100_000

export type CostLine = Pick<CostRecord, 'session' | 'task' | 'day' | 'model' | 'repo' | 'tokens' | 'nanoUsd'> & { worker: PeerId }

export type Ledger = {
  part: FoldPart
  /** A line that this node is about to sign: it counts at once. */
  note(line: CostLine): void
  lines(): IterableIterator<CostLine>
  /** All that anybody spent on this session, by model. */
  ofSession(session: TaskId): CostLine[]
  /** Grows with each line. */
  version(): number
  /** What is remembered begins after this day; empty while nothing fell out. */
  floor(): string
}

/** @param onLine hears of each line that is new or larger than before */
export function createLedger(onLine: (line: CostLine) => void, linesMax = LINES_MAX): Ledger {
  const lines = new Map<string, CostLine>()
  const bySession = new Map<TaskId, Set<string>>()
  const byDay = new Map<string, Set<string>>()
  let floor = ''
  let version = 0

  const drop = (day: string): void => {
    floor = day
    for (const key of byDay.get(day) ?? []) {
      const line = lines.get(key)
      lines.delete(key)
      if (line === undefined) continue
      const keys = bySession.get(line.session)
      keys?.delete(key)
      if (keys?.size === 0) bySession.delete(line.session)
    }
    byDay.delete(day)
  }
  const put = (line: CostLine): void => {
    const key = [line.day, line.worker, line.task, line.session, line.model].join('\0')
    const before = lines.get(key)
    const next = before === undefined ? line : larger(before, line)
    if (next === before) return
    lines.set(key, next)
    version += 1
    addTo(bySession, line.session, key)
    addTo(byDay, line.day, key)
    if (lines.size > linesMax) drop([...byDay.keys()].reduce((one, other) => (one < other ? one : other)))
    if (lines.has(key)) onLine(next)
  }
  return {
    part: {
      kinds: ['cost'],
      apply(raw, block: Block) {
        const { kind: _kind, session, task, day, model, repo, tokens, nanoUsd } = raw as CostRecord
        // A day that has not come would never leave a budget.
        if (day <= floor || day > dayOf(hlcToMs(block.hlc) + FUTURE_MS_MAX)) return
        put({ session, task, day, model, tokens, nanoUsd, worker: block.author, ...(repo === undefined ? {} : { repo }) })
      },
      state: () => [
        floor,
        [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, { tokens, nanoUsd }]) => [key, nanoUsd, countsOf(tokens)]),
      ],
    },
    note: put,
    lines: () => lines.values(),
    ofSession: (session) => [...(bySession.get(session) ?? [])].flatMap((key) => lines.get(key) ?? []),
    version: () => version,
    floor: () => floor,
  }
}

/** The day of UTC. */
export function dayOf(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10)
}

/** `one` itself where nothing grew. */
function larger(one: CostLine, other: CostLine): CostLine {
  const nanoUsd = Math.max(one.nanoUsd, other.nanoUsd)
  const tokens: TokenCounts = {
    input: Math.max(one.tokens.input, other.tokens.input),
    output: Math.max(one.tokens.output, other.tokens.output),
    cacheRead: Math.max(one.tokens.cacheRead, other.tokens.cacheRead),
    cacheWrite: Math.max(one.tokens.cacheWrite, other.tokens.cacheWrite),
  }
  const isSame = nanoUsd === one.nanoUsd && countsOf(tokens).every((count, at) => count === countsOf(one.tokens)[at])
  return isSame ? one : { ...one, nanoUsd, tokens }
}

function countsOf({ input, output, cacheRead, cacheWrite }: TokenCounts): number[] {
  return [input, output, cacheRead, cacheWrite]
}

function addTo<Key>(map: Map<Key, Set<string>>, key: Key, value: string): void {
  const set = map.get(key) ?? new Set()
  map.set(key, set.add(value))
}
