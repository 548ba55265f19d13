// The same spans as rows: for who cannot see the picture, or wants to read it.
import { rowNameOf } from '../../models/timeline/layout.ts'
import type { Span } from '../../models/timeline/span.ts'
import { fullTimeText } from '../../models/text/durations.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Lasting } from '../../parts/times.tsx'

export function SpanTable(props: { spans: readonly Span[]; by: string; count: number }) {
  const { spans, count } = props
  return (
    <section aria-labelledby="spans">
      <h2 id="spans">
        In sight{' '}
        <span class="muted number">
          {count > spans.length ? `${spans.length} of ${count.toLocaleString('en')}, the newest` : count.toLocaleString('en')}
        </span>
      </h2>
      {spans.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th>State</th>
              <th>What</th>
              <th>Row</th>
              <th>Kind</th>
              <th>Started</th>
              <th class="right">Took</th>
            </tr>
          </thead>
          <tbody>
            {spans.map((span) => (
              <tr key={span.key}>
                <td class="cell-state">
                  <StateMark state={span.state} />
                </td>
                <td class="main">
                  <a href={span.href}>{span.title}</a>
                </td>
                <td data-name="Row">{rowNameOf(span.tags, props.by)}</td>
                <td data-name="Kind">{span.kind}</td>
                <td data-name="Started" class="number">
                  {fullTimeText(span.start)}
                </td>
                <td data-name="Took" class="right number">
                  <Lasting from={span.start} to={span.end} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
