// What happened lately.
import { usePage } from '../../parts/page-context.ts'
import { StateMark } from '../../parts/state-mark.tsx'
import { Age } from '../../parts/times.tsx'

const SHOWN = 40

export function ActivityFeed() {
  const { dashboard } = usePage()
  const list = dashboard.activity.list.value.slice(0, SHOWN)
  return (
    <section class="feed" aria-labelledby="activity">
      <h2 id="activity">Activity</h2>
      {list.length === 0 ? (
        <p class="muted quiet-line">What happens in the mesh is told here.</p>
      ) : (
        <ol>
          {list.map((happening) => (
            <li key={happening.key}>
              <StateMark state={happening.state} bare />
              <p>
                <a href={happening.href}>{happening.title}</a> {happening.text}
              </p>
              <span class="muted number">
                <Age time={happening.time} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}
