// One worker at a glance: is it there, how full is it, what does it do.
import type { Worker } from '../../models/fleet.ts'
import { titleOf } from '../../models/task-facts.ts'
import { Slots } from '../../parts/meters.tsx'
import { usePage } from '../../parts/page-context.ts'
import { WorkerMark } from '../../parts/state-mark.tsx'
import { LastSeen } from './seen.tsx'

const RUNNING_SHOWN = 2

export function WorkerCard(props: { worker: Worker }) {
  const { dashboard } = usePage()
  const { worker } = props
  const away = worker.state !== 'alive'
  const hidden = worker.running.length - RUNNING_SHOWN
  return (
    <article class={`card worker-card ${away ? 'away' : ''}`} aria-label={`Worker ${worker.name}`}>
      <header>
        <a class="card-title" href={`/workers/${worker.peerId}`}>
          {worker.name}
        </a>
        <WorkerMark worker={worker} />
      </header>
      <p class="card-line">
        <Slots slots={worker.slots} freeSlots={worker.freeSlots} />
        <span class="muted">
          load <span class="number">{Math.round(worker.load)}%</span>
        </span>
      </p>
      <ul class="card-work">
        {worker.running.slice(0, RUNNING_SHOWN).map((id) => {
          const task = dashboard.tasks.get(id)?.value
          return (
            <li key={id}>
              <a href={`/tasks/${id}`}>{task === undefined ? `task ${id.slice(0, 10)}…` : titleOf(task)}</a>
            </li>
          )
        })}
        {hidden > 0 && <li class="muted">and {hidden} more</li>}
        {worker.running.length === 0 && (
          <li class="muted">
            {away ? (
              <>
                <LastSeen worker={worker} />
              </>
            ) : (
              'idle'
            )}
          </li>
        )}
      </ul>
      <footer class="muted">
        {[
          worker.self ? 'this node' : '',
          worker.keeper ? 'keeper' : '',
          worker.pool === null ? '' : `pool ${worker.pool}`,
          ...worker.skills.slice(0, 3),
        ]
          .filter(Boolean)
          .join(' · ') || 'no skills named'}
      </footer>
    </article>
  )
}
