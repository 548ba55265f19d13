// Spans in rows and lanes, ready to be drawn: what overlaps stands side by side. A frame looks only at what it can show.
import type { Span, Tags } from './span.ts'

/** Beyond these, rows and lanes are told in the table alone. */
const ROWS_MAX = 60
const LANES_MAX = 24
const LANE_PX = 18
const ROW_GAP_PX = 6

export type Lane = { top: number; spans: readonly Span[]; starts: Float64Array; ends: Float64Array; level: number }
export type TimelineRow = { name: string; top: number; height: number; count: number }
export type TimelineLayout = {
  rows: readonly TimelineRow[]
  lanes: readonly Lane[]
  height: number
  from: number
  to: number
  hidden: number
}
export type Sight = { from: number; to: number }

/** @param by a tag, or `label:NAME` */
export function rowNameOf(tags: Tags, by: string): string {
  if (by.startsWith('label:')) return tags.labels[by.slice(6)] ?? 'without it'
  return by === 'pool' || by === 'kind' || by === 'repository' || by === 'author' ? tags[by] : tags.worker
}

/** @param now where spans that go on end, in ms */
export function layOut(spans: readonly Span[], by: string, now: number): TimelineLayout {
  const groups = new Map<string, Span[]>()
  for (const span of spans) {
    const name = rowNameOf(span.tags, by)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [span])
    else group.push(span)
  }
  const names = [...groups.keys()].sort()
  const rows: TimelineRow[] = []
  const lanes: Lane[] = []
  let top = 0
  for (const name of names.slice(0, ROWS_MAX)) {
    const group = groups.get(name) ?? []
    const placed = placeRow(group, top, now)
    lanes.push(...placed.lanes)
    rows.push({ name, top, height: placed.height, count: group.length })
    top += placed.height + ROW_GAP_PX
  }
  const from = spans.reduce((least, { start }) => Math.min(least, start), now)
  return { rows, lanes, height: top, from, to: now, hidden: Math.max(0, names.length - ROWS_MAX) }
}

function placeRow(group: readonly Span[], top: number, now: number): { lanes: Lane[]; height: number } {
  const ofLane: Span[][] = []
  const ends: number[] = []
  const laneOf = new Map<string, number>()
  for (const span of group.filter(({ level }) => level === 0).sort((one, two) => one.start - two.start)) {
    let lane = ends.findIndex((end) => end <= span.start)
    if (lane < 0) lane = ends.length < LANES_MAX ? ends.length : LANES_MAX - 1
    ends[lane] = Math.max(ends[lane] ?? 0, span.end ?? now)
    const held = ofLane[lane]
    if (held === undefined) ofLane[lane] = [span]
    else held.push(span)
    laneOf.set(`${span.task}/${span.epoch}`, lane)
  }
  const lanes = ofLane.map((spans, at) => laneWith(spans, top + at * LANE_PX, 0, now))
  for (const level of [1, 2] as const) {
    const parts: Span[][] = ofLane.map(() => [])
    for (const span of group) if (span.level === level) parts[laneOf.get(`${span.task}/${span.epoch}`) ?? 0]?.push(span)
    parts.forEach((spans, at) => {
      if (spans.length > 0)
        lanes.push(
          laneWith(
            spans.sort((one, two) => one.start - two.start),
            top + at * LANE_PX,
            level,
            now,
          ),
        )
    })
  }
  return { lanes, height: Math.max(1, ofLane.length) * LANE_PX }
}

/** `ends` never falls, so that the first span in sight is found by halving. */
function laneWith(spans: readonly Span[], top: number, level: number, now: number): Lane {
  const starts = Float64Array.from(spans, ({ start }) => start)
  const ends = Float64Array.from(spans, ({ end }) => end ?? now)
  for (let at = 1; at < ends.length; at++) ends[at] = Math.max(ends[at] ?? 0, ends[at - 1] ?? 0)
  return { top, spans, starts, ends, level }
}

/** The first span that ends after a time. */
export function firstAfter(ends: Float64Array, time: number): number {
  let low = 0
  let high = ends.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ends[middle] ?? 0) > time) high = middle
    else low = middle + 1
  }
  return low
}

/** What stands in sight, by its start; at most `limit`, and how many there are. */
export function inSight(layout: TimelineLayout, { from, to }: Sight, limit: number): { spans: Span[]; count: number } {
  const spans: Span[] = []
  let count = 0
  for (const lane of layout.lanes)
    for (let at = firstAfter(lane.ends, from); at < lane.spans.length && (lane.starts[at] ?? Infinity) < to; at++) {
      count += 1
      // Enough of each lane to sort the first of all.
      if (spans.length < limit * 20) spans.push(lane.spans[at] as Span)
    }
  return { spans: spans.sort((one, two) => two.start - one.start).slice(0, limit), count }
}

export function spanAt(layout: TimelineLayout, time: number, y: number, slackMs: number): Span | undefined {
  let found: Span | undefined
  for (const lane of layout.lanes) {
    if (y < lane.top || y >= lane.top + LANE_PX) continue
    for (let at = firstAfter(lane.ends, time - slackMs); at < lane.spans.length && (lane.starts[at] ?? Infinity) <= time + slackMs; at++) {
      const span = lane.spans[at]
      // What is drawn inside another lies above it.
      if (span && (span.end ?? layout.to) >= time - slackMs && (found === undefined || span.level >= found.level)) found = span
    }
  }
  return found
}

/** Around a moment, by a factor; never less than 50 ms, never more than ten years. */
export function zoom({ from, to }: Sight, at: number, factor: number): Sight {
  const length = Math.min(Math.max((to - from) * factor, 50), 315_360_000_000)
  const share = (at - from) / Math.max(1, to - from)
  return { from: at - share * length, to: at + (1 - share) * length }
}

export function pan({ from, to }: Sight, ms: number): Sight {
  return { from: from + ms, to: to + ms }
}
