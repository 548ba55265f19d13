// The schedules of the mesh, as a part of the fold: of each name the newest plan, whether it is paused, which ticks were left out.
import type { Block } from '../../protocols/blocks.ts'
import type { PeerId } from '../../protocols/ids.ts'
import type { Entry } from '../../protocols/records.ts'
import { FUTURE_MS_MAX } from '../../protocols/limits.ts'
import type { SchedulePlan } from '../../protocols/plan/schedule-records.ts'
import { hlcToMs } from '../kernel/hlc.ts'
import type { FoldPart } from '../tasks/fold/fold.ts'

/** Left-out ticks that are remembered of one schedule: the newest, far more than are still asked for. */
const SKIPS_MAX = 128

export type Schedule = {
  name: string
  plan: SchedulePlan
  author: PeerId
  paused: boolean
  /** When it was added, paused or resumed, milliseconds since 1970; ticks before that are not made up. */
  changedAt: number
  skipped: ReadonlySet<number>
}
export type Book = {
  part: FoldPart
  get(name: string): Schedule | undefined
  names(): Iterable<string>
  /** By name. */
  all(): Schedule[]
}

/** Who wrote a record, in the order that decides which one counts. */
type Stamp = { hlc: number; author: PeerId; place: readonly [epoch: number, seq: number, index: number] }
type Page = {
  plan?: Stamp & { plan?: SchedulePlan }
  pause?: Stamp & { paused: boolean }
  /** Newest first. */
  skips: number[]
}

/** @param onChange hears of each name whose schedule may have changed */
export function createBook(onChange: (name: string) => void): Book {
  const pages = new Map<string, Page>()

  const apply = (entry: Entry, block: Block): void => {
    if (entry.kind !== 'schedule' && entry.kind !== 'schedule-pause' && entry.kind !== 'schedule-skip') return
    const page = pages.get(entry.name) ?? { skips: [] }
    const stamp = { hlc: block.hlc, author: block.author, place: [block.epoch, block.seq, block.entries.indexOf(entry)] as const }
    if (entry.kind === 'schedule') {
      if (!isNewer(stamp, page.plan)) return
      page.plan = { ...stamp, ...(entry.plan === undefined ? {} : { plan: entry.plan }) }
    } else if (entry.kind === 'schedule-pause') {
      if (!isNewer(stamp, page.pause)) return
      page.pause = { ...stamp, paused: entry.paused }
    } else {
      if (entry.at > hlcToMs(block.hlc) + FUTURE_MS_MAX || page.skips.includes(entry.at)) return
      page.skips = [...page.skips, entry.at].sort((a, b) => b - a).slice(0, SKIPS_MAX)
    }
    pages.set(entry.name, page)
    onChange(entry.name)
  }
  const scheduleOf = (name: string, { plan: written, pause, skips }: Page): Schedule | undefined => {
    if (written?.plan === undefined) return undefined
    const change = pause !== undefined && isNewer(pause, written) ? pause : undefined
    return {
      name,
      plan: written.plan,
      author: written.author,
      paused: change?.paused ?? false,
      changedAt: change === undefined ? written.plan.from : hlcToMs(change.hlc),
      skipped: new Set(skips),
    }
  }
  return {
    part: {
      kinds: ['schedule', 'schedule-pause', 'schedule-skip'],
      apply: (entry, block) => apply(entry as Entry, block),
      state: () =>
        [...pages].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { plan, pause, skips }]) => [name, plan ?? null, pause ?? null, skips]),
    },
    get(name) {
      const page = pages.get(name)
      return page === undefined ? undefined : scheduleOf(name, page)
    },
    names: () => pages.keys(),
    all: () => [...pages].flatMap(([name, page]) => scheduleOf(name, page) ?? []).sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

function isNewer(stamp: Stamp, than: Stamp | undefined): boolean {
  if (than === undefined) return true
  if (stamp.hlc !== than.hlc) return stamp.hlc > than.hlc
  if (stamp.author !== than.author) return stamp.author > than.author
  const at = stamp.place.findIndex((part, index) => part !== than.place[index])
  return at >= 0 && (stamp.place[at] ?? 0) > (than.place[at] ?? 0)
}
