// The fleet: cards to see, a table to compare.
import { Slots } from '../../parts/meters.tsx'
import { PageHead } from '../../parts/facts.tsx'
import { Icon } from '../../parts/icons.tsx'
import { EmptyState } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { WorkerMark } from '../../parts/state-mark.tsx'
import type { Worker } from '../../models/fleet.ts'
import { Seen } from './seen.tsx'
import { WorkerActions } from './worker-actions.tsx'
import { WorkerCard } from './worker-card.tsx'

export function WorkersPage() {
  const { dashboard, router } = usePage()
  const workers = dashboard.fleet.workers.value
  const asTable = router.place.value.query.get('as') === 'table'
  const online = workers.filter((worker) => worker.state === 'alive').length
  const slots = workers.reduce((sum, worker) => sum + (worker.state === 'alive' ? worker.slots : 0), 0)
  const free = workers.reduce((sum, worker) => sum + (worker.state === 'alive' ? worker.freeSlots : 0), 0)
  return (
    <>
      <PageHead title="Workers" lead={`${online} of ${workers.length} online, ${free} of ${slots} slots free`}>
        <div class="switch" role="group" aria-label="Shown as">
          <a href="/workers" aria-current={asTable ? undefined : 'true'}>
            Cards
          </a>
          <a href="/workers?as=table" aria-current={asTable ? 'true' : undefined}>
            Table
          </a>
        </div>
        <button type="button" onClick={() => (dashboard.dialog.value = 'invite')}>
          <Icon name="plus" /> Invite a machine
        </button>
      </PageHead>
      {asTable ? (
        <WorkerTable workers={workers} />
      ) : (
        <div class="cards wide">
          {workers.map((worker) => (
            <WorkerCard key={worker.peerId} worker={worker} />
          ))}
        </div>
      )}
      {workers.length === 1 && (
        <EmptyState title="This mesh has one worker. Another machine joins with an invite:" command="nimbus invite">
          <p>
            Or press <kbd>i</kbd> here: you get the exact line to type over there.
          </p>
        </EmptyState>
      )}
    </>
  )
}

function WorkerTable(props: { workers: readonly Worker[] }) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th>State</th>
          <th>Name</th>
          <th>Slots</th>
          <th class="right">Load</th>
          <th class="right">Round trip</th>
          <th>Pool, skills</th>
          <th>Version</th>
          <th class="right">Seen</th>
          <th>
            <span class="off-screen">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {props.workers.map((worker) => (
          <tr key={worker.peerId} class={worker.state === 'alive' ? '' : 'away'}>
            <td data-name="State">
              <WorkerMark worker={worker} />
            </td>
            <td class="main">
              <a href={`/workers/${worker.peerId}`}>{worker.name}</a>
              {worker.keeper && <span class="badge">keeper</span>}
              {worker.self && <span class="badge">this node</span>}
            </td>
            <td data-name="Slots">
              <Slots slots={worker.slots} freeSlots={worker.freeSlots} />
            </td>
            <td data-name="Load" class="right number">
              {Math.round(worker.load)}%
            </td>
            <td data-name="Round trip" class="right number">
              {worker.self ? 'here' : worker.roundTripMs === null ? '–' : `${worker.roundTripMs.toFixed(1)} ms`}
            </td>
            <td data-name="Pool, skills">{[worker.pool, ...worker.skills].filter(Boolean).join(', ') || '–'}</td>
            <td data-name="Version">{worker.version}</td>
            <td data-name="Seen" class="right number">
              <Seen worker={worker} />
            </td>
            <td>
              <div class="row-actions">
                <WorkerActions worker={worker} small />
              </div>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
