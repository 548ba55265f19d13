// The mesh as this node sees it: who is there, how far away, and whether the keepers can decide.
import type { MeshView } from '../../../../protocols/http/views.ts'
import type { Worker } from '../../models/fleet.ts'
import { ShortId } from '../../parts/copy.tsx'
import { Facts, PageHead } from '../../parts/facts.tsx'
import { Icon } from '../../parts/icons.tsx'
import { Callout } from '../../parts/notes.tsx'
import { usePage } from '../../parts/page-context.ts'
import { WorkerMark } from '../../parts/state-mark.tsx'
import { Age, Lasting } from '../../parts/times.tsx'
import { Seen } from '../workers/seen.tsx'
import { Keepers } from './keepers.tsx'
import { Sky } from './sky.tsx'

export function MeshPage() {
  const { dashboard } = usePage()
  const { fleet } = dashboard
  const mesh = fleet.mesh.value
  if (mesh === undefined) return <div class="loading" role="status" aria-label="Loading" />
  const workers = fleet.workers.value
  return (
    <>
      <PageHead title="Mesh" lead={`${workers.length} ${workers.length === 1 ? 'member' : 'members'}, seen from ${mesh.self.name}`}>
        <button type="button" class="primary" onClick={() => (dashboard.dialog.value = 'invite')}>
          <Icon name="plus" /> Invite a machine
        </button>
      </PageHead>
      {!fleet.hasMajority.value && <Minority mesh={mesh} workers={workers} />}
      <div class="detail">
        <div class="mesh-top">
          <section class="card" aria-label="Distance of the members">
            <Sky workers={workers} />
          </section>
          <Keepers mesh={mesh} workers={workers} />
        </div>
        <section class="card side" aria-label="Facts of the mesh">
          <Facts
            of={[
              ['Mesh ID', <ShortId id={mesh.mesh} what="the mesh ID" />],
              ['Seen from', <a href={`/workers/${mesh.self.peerId}`}>{mesh.self.name}</a>],
              ['Its address', <span class="break">{mesh.httpAddress}</span>],
              ['Up for', <Lasting from={fleet.startedAt.value} />],
              ['Entries', <span class="number">{mesh.entries.toLocaleString('en')}</span>],
              ['State hash', <ShortId id={mesh.foldHash} what="the state hash" />],
            ]}
          />
          <p class="muted hint">
            Nodes that show the same state hash know exactly the same. A difference that lasts means that they cannot reach each other.
          </p>
        </section>
      </div>
      <section aria-labelledby="members">
        <h2 id="members">Members</h2>
        <Members workers={workers} />
      </section>
    </>
  )
}

function Minority(props: { mesh: MeshView; workers: readonly Worker[] }) {
  const { group } = props.mesh
  const away = props.workers.filter((worker) => worker.state !== 'alive')
  const here = props.workers.filter((worker) => worker.state === 'alive')
  return (
    <Callout
      tone="bad"
      title={`This side cannot decide: ${group.reachable} of ${group.seats.length} keepers answer, ${group.majority} are needed.`}
    >
      <p>
        On this side: {here.map((worker) => worker.name).join(', ')}. Not reached:{' '}
        {away.map((worker) => worker.name).join(', ') || 'unknown'}.
      </p>
      <p class="cure">Bring those machines back, or open a node on their side. Tasks published here wait until the sides meet again.</p>
    </Callout>
  )
}

function Members(props: { workers: readonly Worker[] }) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th>State</th>
          <th>Name</th>
          <th>Role</th>
          <th class="right">Round trip</th>
          <th>Version</th>
          <th>Address</th>
          <th class="right">Seen</th>
          <th class="right">Joined</th>
        </tr>
      </thead>
      <tbody>
        {props.workers.map((worker) => (
          <tr key={worker.peerId} class={worker.state === 'alive' ? '' : 'away'}>
            <td class="cell-state">
              <WorkerMark worker={worker} />
            </td>
            <td class="main">
              <a href={`/workers/${worker.peerId}`}>{worker.name}</a>
              {worker.keeper && <span class="badge">keeper</span>}
              {worker.self && <span class="badge">this node</span>}
            </td>
            <td data-name="Role">{worker.memberRole}</td>
            <td data-name="Round trip" class="right number">
              {worker.self ? 'here' : worker.roundTripMs === null ? 'no link' : `${worker.roundTripMs.toFixed(1)} ms`}
            </td>
            <td data-name="Version">{worker.version}</td>
            <td data-name="Address" class="mono clip" title={worker.addresses.join('\n')}>
              {shortAddress(worker.addresses)}
            </td>
            <td data-name="Seen" class="right number">
              <Seen worker={worker} />
            </td>
            <td data-name="Joined" class="right number">
              <Age time={worker.joinedAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** `/ip4/10.0.0.2/tcp/7700/p2p/…` as people write it; the whole list is in the title. */
function shortAddress(addresses: readonly string[]): string {
  const best = addresses.find((address) => !address.startsWith('/ip4/127.')) ?? addresses[0]
  const match = /^\/(?:ip4|ip6|dns4?|dns6)\/([^/]+)\/tcp\/(\d+)/.exec(best ?? '')
  return match === null ? (best ?? '–') : `${match[1]}:${match[2]}`
}
