// The Prometheus page of a node: counters of the mesh, the queue and the store, under names with their units.
import type { Registry } from 'prom-client'
import type { MeshHost } from '../mesh/host.ts'
import type { GroupCommit } from '../store/group-commit.ts'
import type { Engine } from '../tasks/engine.ts'

export type MetricsComponents = {
  host: MeshHost
  engine: Engine
  commit: GroupCommit
  readers(): number
  aliveMembers(): number
}

/** Made when somebody looks for the first time: most nodes are never scraped. */
export function createMetrics(components: MetricsComponents): () => Promise<string> {
  let registry: Promise<Registry> | undefined
  return async () => (await (registry ??= createRegistry(components))).metrics()
}

async function createRegistry({ host, engine, commit, readers, aliveMembers }: MetricsComponents): Promise<Registry> {
  const { collectDefaultMetrics, Gauge, Registry } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const gauge = (
    name: string,
    help: string,
    collect: (set: (labels: Record<string, string>, value: number) => void) => void,
    labelNames: string[] = [],
  ): void => {
    const made = new Gauge<string>({
      name,
      help,
      labelNames,
      registers: [registry],
      collect: () => collect((labels, value) => made.set(labels, value)),
    })
  }
  gauge('nimbus_members_alive', 'Members that this node reaches, itself included', (set) => set({}, aliveMembers()))
  gauge('nimbus_links', 'Members linked with this node', (set) => set({}, host.peers().length))
  gauge(
    'nimbus_link_sent_bytes',
    'Bytes of frames sent over links, by lane',
    (set) => {
      for (const [lane, bytes] of Object.entries(host.traffic().bytesOut)) set({ lane }, bytes)
    },
    ['lane'],
  )
  gauge('nimbus_link_received_bytes', 'Bytes of frames received over links', (set) => set({}, host.traffic().bytesIn))
  gauge(
    'nimbus_strangers_refused',
    'Connections turned away at the door, by reason',
    (set) => {
      for (const [reason, count] of Object.entries(host.refusedCounts())) set({ reason }, count)
    },
    ['reason'],
  )
  gauge(
    'nimbus_tasks',
    'Tasks that this node knows, by state',
    (set) => {
      for (const [state, count] of Object.entries(engine.counts())) set({ state }, count)
    },
    ['state'],
  )
  gauge(
    'nimbus_register_operations',
    'Register changes at the keepers, by kind',
    (set) => {
      for (const [kind, count] of Object.entries(engine.proposer.counters)) set({ kind }, count)
    },
    ['kind'],
  )
  gauge(
    'nimbus_runs',
    'Runs on this node, by what became of them',
    (set) => {
      for (const [kind, count] of Object.entries(engine.execution.counters)) set({ kind }, count)
    },
    ['kind'],
  )
  gauge('nimbus_store_syncs', 'Writes forced to disk', (set) => set({}, commit.counters().syncs))
  gauge('nimbus_event_readers', 'Clients that follow the event stream', (set) => set({}, readers()))
  gauge('nimbus_fold_conflicts', 'Register values of one version that differ; anything but 0 is a broken promise', (set) =>
    set({}, engine.fold.conflicts()),
  )
  return registry
}
