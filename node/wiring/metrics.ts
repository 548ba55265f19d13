// The Prometheus page of a node: counters of the mesh, the queue and the store, under names with their units.
import type * as Prometheus from 'prom-client'
import type { Histogram, Registry } from 'prom-client'
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

export type Metrics = {
  open(components: MetricsComponents): () => Promise<string>
  /** A claim was granted after so many ms; those before the first scrape are not counted. */
  claimed(tookMs: number): void
}

const CLAIM_SECONDS = [0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256, 512, 1024].map((ms) => ms / 1000)

/** Made when somebody looks for the first time: most nodes are never scraped. */
export function createMetrics(): Metrics {
  let claims: Histogram | undefined
  return {
    open(components) {
      let registry: Promise<Registry> | undefined
      return async () => (await (registry ??= createRegistry(components, (made) => (claims = made)))).metrics()
    },
    claimed: (tookMs) => claims?.observe(tookMs / 1000),
  }
}

async function createRegistry(
  { host, engine, commit, readers, aliveMembers }: MetricsComponents,
  onClaims: (claims: Histogram) => void,
): Promise<Registry> {
  const prom = await import('prom-client')
  const { collectDefaultMetrics, Gauge, Registry } = prom
  const registry = new Registry()
  onClaims(claimHistogram(prom, registry))
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

function claimHistogram({ Histogram }: typeof Prometheus, registry: Registry): Histogram {
  return new Histogram({
    name: 'nimbus_claim_seconds',
    help: 'Time from the wish to run a task until a majority of the keepers granted it',
    buckets: CLAIM_SECONDS,
    registers: [registry],
  })
}
