// The keeper group: its seats, which of them answer, and whether they are enough to decide.
import type { MeshView } from '../../../../protocols/http/views.ts'
import type { Worker } from '../../models/fleet.ts'
import { WorkerMark } from '../../parts/state-mark.tsx'

export function Keepers(props: { mesh: MeshView; workers: readonly Worker[] }) {
  const { group } = props.mesh
  const can = group.reachable >= group.majority
  const spare = group.reachable - group.majority
  return (
    <section class={`card keepers ${can ? '' : 'stuck'}`} aria-labelledby="keepers">
      <h2 id="keepers">
        Keepers{' '}
        <span class="muted">
          {group.name}, version {group.version}
        </span>
      </h2>
      <p class="keepers-line">
        <strong class="number">
          {group.reachable} of {group.seats.length}
        </strong>{' '}
        answer, <span class="number">{group.majority}</span> decide.{' '}
        <span class="muted">
          {can ? (spare === 0 ? 'None may be lost.' : `${spare} more may be lost.`) : 'Nothing can be decided here.'}
        </span>
      </p>
      <ol class="seats">
        {group.seats.map((seat) => {
          const worker = props.workers.find((candidate) => candidate.peerId === seat)
          return (
            <li key={seat}>
              {worker === undefined ? (
                <span class="muted">{seat.slice(0, 12)}…, not a member any more</span>
              ) : (
                <>
                  <WorkerMark worker={worker} bare /> <a href={`/workers/${seat}`}>{worker.name}</a>
                </>
              )}
            </li>
          )
        })}
      </ol>
      <p class="hint">
        {group.seats.length < 3
          ? 'With three members or more, the mesh goes on when one is lost.'
          : 'Keepers agree on who runs what, so that no task runs twice.'}
      </p>
    </section>
  )
}
