// One worker: what it is, what it does now and did lately, where it can be reached.
import { PageHead, Chips, Facts } from '../../parts/facts.tsx'
import { ShortId } from '../../parts/copy.tsx'
import { Slots } from '../../parts/meters.tsx'
import { Callout, EmptyState } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { WorkerMark } from '../../parts/state-mark.tsx'
import { Age } from '../../parts/times.tsx'
import { LastSeen } from './seen.tsx'
import type { Worker } from '../../models/fleet.ts'
import { lastAttempt } from '../../models/task-facts.ts'
import { TaskTable } from '../tasks/task-table.tsx'
import { WorkerActions } from './worker-actions.tsx'

const LATELY = 25

export function WorkerPage(props: { id: string }) {
  const { dashboard } = usePage()
  const { fleet } = dashboard
  const worker = (void fleet.workers.value, fleet.find(props.id))
  if (worker === undefined) {
    return fleet.mesh.value === undefined ? null : (
      <EmptyState title={`No member of this mesh is called ${props.id}.`} command="nimbus worker ls" />
    )
  }
  const tasks = dashboard.tasks.all.value
  const running = tasks.filter((task) => worker.running.includes(task.id))
  const lately = tasks.filter((task) => task.state !== 'running' && lastAttempt(task)?.worker === worker.peerId).slice(0, LATELY)
  return (
    <>
      <PageHead crumb={{ href: '/workers', text: 'Workers' }} title={worker.name} lead={<WorkerMark worker={worker} />}>
        <WorkerActions worker={worker} />
      </PageHead>
      {worker.state === 'dead' && (
        <Callout
          tone="bad"
          title={
            <>
              Offline, <LastSeen worker={worker} />.
            </>
          }
        >
          <p>Other workers take its tasks over where they fit. Start it again on its machine: nimbus up</p>
        </Callout>
      )}
      {worker.mode === 'draining' && worker.state === 'alive' && (
        <Callout tone="info" title="Draining.">
          <p>It finishes what runs and takes no new work. Resume it when you want it back.</p>
        </Callout>
      )}
      <div class="detail">
        <div class="stack">
          <section aria-labelledby="worker-running">
            <h2 id="worker-running">
              Running <span class="muted number">{worker.running.length}</span>
            </h2>
            {running.length > 0 ? (
              <TaskTable tasks={running} of="worker" />
            ) : (
              <p class="muted quiet-line">{worker.running.length === 0 ? 'Idle.' : worker.running.join(', ')}</p>
            )}
          </section>
          <section aria-labelledby="worker-lately">
            <h2 id="worker-lately">Lately</h2>
            {lately.length > 0 ? (
              <TaskTable tasks={lately} of="worker" />
            ) : (
              <p class="muted quiet-line">None of the tasks loaded here ended on {worker.name}.</p>
            )}
          </section>
        </div>
        <WorkerFacts worker={worker} />
      </div>
    </>
  )
}

function WorkerFacts(props: { worker: Worker }) {
  const { worker } = props
  return (
    <section class="card side" aria-label="Facts">
      <Facts
        of={[
          ['Peer ID', <ShortId id={worker.peerId} what="the peer ID" />],
          ['Slots', <Slots slots={worker.slots} freeSlots={worker.freeSlots} />],
          ['Load', <span class="number">{Math.round(worker.load)}%</span>],
          ['Free memory', `${worker.memoryFreeMb} MB`],
          ['Round trip', worker.self ? 'this node' : worker.roundTripMs === null ? 'no link now' : `${worker.roundTripMs.toFixed(1)} ms`],
          ['Member', `${worker.memberRole}${worker.keeper ? ', keeper' : ''}`],
          ['Pool', worker.pool],
          ['Roles', worker.roles.length > 0 && <Chips of={worker.roles} kind="role" />],
          ['Skills', worker.skills.length > 0 && <Chips of={worker.skills} kind="skill" />],
          [
            'Labels',
            Object.keys(worker.labels).length > 0 && (
              <Chips of={Object.entries(worker.labels).map(([key, value]) => `${key}=${value}`)} kind="label" />
            ),
          ],
          ['Repository', worker.repo && <span class="break">{worker.repo}</span>],
          ['Version', worker.version],
          ['Joined', <Age time={worker.joinedAt} suffix />],
          [
            'Addresses',
            worker.addresses.length > 0 && (
              <ul class="plain mono break">
                {worker.addresses.map((address) => (
                  <li key={address}>{address}</li>
                ))}
              </ul>
            ),
          ],
        ]}
      />
    </section>
  )
}
