// When what ran where: rows are workers or any tag, what is in sight stands in the address, and a table says the same.
import { useEffect, useMemo } from 'preact/hooks'
import { type Sight, type TimelineLayout, inSight, layOut, zoom } from '../../models/timeline/layout.ts'
import { SPANS_MAX, createHistory } from '../../models/timeline/history.ts'
import type { Span } from '../../models/timeline/span.ts'
import { PageHead } from '../../parts/facts.tsx'
import { EmptyState, ProblemNote } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { SpanTable } from './span-table.tsx'
import { TimelineCanvas } from './timeline-canvas.tsx'

const TAGS = ['worker', 'pool', 'kind', 'repository', 'author'] as const
const TABLE_MAX = 100
const HOUR = 3_600_000
const LENGTHS = { '15 min': HOUR / 4, '1 h': HOUR, '6 h': 6 * HOUR, '24 h': 24 * HOUR } as const
/** What goes on is drawn to this moment; it moves on this often. */
const NOW_STEP_MS = 2_000

export function TimelinePage() {
  const { dashboard, router, clock } = usePage()
  const { query } = router.place.value
  const by = query.get('rows') ?? 'worker'
  const text = query.get('q') ?? ''
  const history = useMemo(() => createHistory(dashboard.transport, text), [text])
  useEffect(() => history.stop, [history])
  const known = dashboard.tasks.all.value
  useEffect(() => history.take(known), [known, history])
  const spans = history.spans.value
  const now = Math.ceil(clock.now.value / NOW_STEP_MS) * NOW_STEP_MS
  const goesOn = useMemo(() => spans.some(({ end }) => end === undefined), [spans])
  const layout = useMemo(() => layOut(spans, by, now), [spans, by, goesOn ? now : 0])
  const sight = sightOf(query, layout)
  const table = useMemo(() => inSight(layout, sight, TABLE_MAX), [layout, sight.from, sight.to])
  const go = (change: Record<string, string>) => router.go(addressOf({ ...Object.fromEntries(query), ...change }), { replace: true })
  const choose = ({ from, to }: Sight) => go({ from: String(Math.round(from)), to: String(Math.round(to)) })
  const state = history.state.value
  return (
    <>
      <PageHead
        title="Timeline"
        lead={`${spans.length.toLocaleString('en')} spans${state === 'cut' ? `, the newest ${SPANS_MAX.toLocaleString('en')}` : state === 'reading' ? ', reading more' : ''}`}
      />
      <Toolbar by={by} spans={spans} layout={layout} sight={sight} now={now} choose={choose} rows={(rows) => go({ rows })} />
      {history.error.value && <ProblemNote error={history.error.value} what="The tasks could not be listed." />}
      {spans.length === 0 && state !== 'reading' && (
        <EmptyState title="Nothing has run yet. Try one:" command="nimbus task run -- echo hello from the mesh" />
      )}
      {spans.length > 0 && <Picture layout={layout} sight={sight} choose={choose} open={(span) => router.go(span.href)} />}
      {spans.length > 0 && <SpanTable spans={table.spans} by={by} count={table.count} />}
    </>
  )
}

type ToolbarProps = {
  by: string
  spans: readonly Span[]
  layout: TimelineLayout
  sight: Sight
  now: number
  choose: (sight: Sight) => void
  rows: (by: string) => void
}

function Toolbar(props: ToolbarProps) {
  const { by, spans, layout, sight, now, choose } = props
  const labels = useMemo(() => labelsOf(spans), [spans])
  return (
    <div class="inline">
      <label class="check">
        Rows{' '}
        <select class="auto" aria-label="Rows" value={by} onChange={(event) => props.rows(event.currentTarget.value)}>
          {[...TAGS, ...labels.map((label) => `label:${label}`)].map((tag) => (
            <option key={tag} value={tag}>
              {tag.replace(':', ' ')}
            </option>
          ))}
        </select>
      </label>
      {Object.entries(LENGTHS).map(([name, ms]) => (
        <button key={name} type="button" class="small" onClick={() => choose({ from: now - ms, to: now })}>
          {name}
        </button>
      ))}
      <button type="button" class="small" onClick={() => choose({ from: layout.from, to: layout.to })}>
        All
      </button>
      <button type="button" class="small" aria-label="Zoom in" onClick={() => choose(zoom(sight, (sight.from + sight.to) / 2, 0.5))}>
        +
      </button>
      <button type="button" class="small" aria-label="Zoom out" onClick={() => choose(zoom(sight, (sight.from + sight.to) / 2, 2))}>
        −
      </button>
    </div>
  )
}

function Picture(props: { layout: TimelineLayout; sight: Sight; choose: (sight: Sight) => void; open: (span: Span) => void }) {
  const { rows, hidden } = props.layout
  return (
    <section class="timeline-frame" aria-label="Timeline">
      <ol class="timeline-rows">
        {rows.map(({ name, height, count }) => (
          <li key={name} style={{ blockSize: `${height + 6}px` }} title={`${name}: ${count} spans`}>
            {name}
          </li>
        ))}
      </ol>
      <TimelineCanvas {...props} />
      {hidden > 0 && <p class="muted">{hidden} more rows are not drawn; choose another tag.</p>}
    </section>
  )
}

/** What the address says; else all of it, or the last hour of it. */
function sightOf(query: URLSearchParams, layout: TimelineLayout): Sight {
  const from = Number(query.get('from'))
  const to = Number(query.get('to'))
  if (Number.isFinite(from) && from > 0 && to > from) return { from, to }
  const margin = Math.max(1_000, (layout.to - layout.from) * 0.02)
  return { from: Math.max(layout.from - margin, layout.to - HOUR), to: layout.to + margin }
}

function labelsOf(spans: readonly Span[]): string[] {
  return [...new Set(spans.flatMap(({ tags }) => Object.keys(tags.labels)))].sort().slice(0, 20)
}

function addressOf(query: Record<string, string>): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''))
  const text = search.toString()
  return text === '' ? '/timeline' : `/timeline?${text}`
}
