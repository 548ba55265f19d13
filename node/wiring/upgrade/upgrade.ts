// Joins the room of upgrades to the node: what it remembers, what the mesh hears of it, and the proof of health after a switch. A node
// that follows nothing still tells what it runs.
import type { PeerId } from '../../../protocols/ids.ts'
import { PROTOCOL_VERSION } from '../../../protocols/skew.ts'
import type { UpgradePort } from '../../api/ports.ts'
import { sleep } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import { findTool } from '../../runner/commands/find-tools.ts'
import { runStep } from '../../runner/commands/run-step.ts'
import { supervisorLink } from '../../runner/commands/version-process.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import type { BlobFetch } from '../../tasks/work/blob-fetch.ts'
import { firstState, type UpgradeState } from '../../upgrade/machine.ts'
import { followText, type UpgradeOptions } from '../../upgrade/policy.ts'
import type { HeadWatch } from '../../upgrade/remote-head.ts'
import { createStage } from '../../upgrade/stage/stage.ts'
import { commitOfTree, OWN_TREE } from '../../upgrade/stage/tree-commit.ts'
import { type Pointer, readPointer, versionsDir } from '../../upgrade/supervise/pointer.ts'
import { createUpgrader } from '../../upgrade/upgrader.ts'
import type { MemberFacts } from '../member-facts.ts'
import type { Values } from '../stored-state.ts'
import { assertKnown, createMeshFacts } from './mesh-facts.ts'
import { createUpgradeNews, type Memory, type Told } from './upgrade-news.ts'
import { createIdlePort, createUpgradePort } from './upgrade-port.ts'
import { createSource, type Source, type SourceComponents } from './source.ts'
import { createTurnHolder } from './turn-holder.ts'
import { createSteps } from './upgrade-steps.ts'

export type UpgradeComponents = SourceComponents & {
  self: PeerId
  log: Log
  dataDir: string
  values: Pick<Values, 'get' | 'set'>
  engine: Pick<Engine, 'fold' | 'seats' | 'names' | 'append' | 'durable'>
  fleet: Pick<Fleet, 'views' | 'nameOf'>
  members: MemberFacts
  blobs: BlobStore
  blobFetch: Pick<BlobFetch, 'keep'>
  linked(): readonly PeerId[]
  httpOrigin(): string
  /** Ends this process once its work is finished or given back. */
  retire(drainMs: number): void
  assertAdmin(deed: string): void
  onError(error: unknown): void
}
export type UpgradeWiring = {
  port: UpgradePort
  /** What the worker's profile says of what it runs. */
  profile(): Told
  /** @throws NimbusError `mesh-too-old` where a member would not understand an entry of this kind */
  assertKnown(kind: string): void
  start(): void
  stop(): void
}

const DURABLE_MS = 2_000
const LOOK_MS = 200
/** What builds and proofs get of this process's environment. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'http_proxy', 'https_proxy', 'no_proxy']

export async function createUpgradeWiring(components: UpgradeComponents, options: UpgradeOptions | undefined): Promise<UpgradeWiring> {
  const running = commitOfTree(OWN_TREE)
  const told = { ...(running === undefined ? {} : { commit: running }), protocol: PROTOCOL_VERSION }
  const { engine, fleet, members } = components
  if (options === undefined) {
    const facts = createMeshFacts({ follows: '', engine, fleet, members })
    const port = createIdlePort(running, facts.views)
    return { port, profile: () => told, assertKnown: (kind) => assertKnown(kind, facts), start: () => {}, stop: () => {} }
  }
  const memory: Memory = (await components.values.get<Memory>('upgrade')) ?? { failed: [], paused: false }
  const pointer = await readPointer(components.dataDir)
  return openUpgrade(components, options, { running, told, memory, pointer })
}

type Found = { running: string | undefined; told: Told; memory: Memory; pointer: Pointer }

function openUpgrade(components: UpgradeComponents, options: UpgradeOptions, found: Found): UpgradeWiring {
  const { clock, log, dataDir, engine } = components
  const news = createUpgradeNews(components, options, found)
  let pointer = found.pointer
  const facts = createMeshFacts({ ...components, follows: followText(options.follow) })
  const turn = createTurnHolder({ ...components, names: engine.names, facts })
  const link = supervisorLink()
  let waiting: string | undefined
  const source = createSource(components, options)
  const head = createHead(log, source, (commit) => upgrader.on({ on: 'head', commit }))
  let stopped = false
  const stage = stageOf(components, source)
  const steps = createSteps({
    ...components,
    options,
    environment: ownEnvironment(),
    stage,
    turn,
    facts,
    pushedBy: source.pushedBy,
    known: (commit) => [pointer.previous, pointer.current].find((one) => one?.commit === commit),
    staged: (dist) => void news.tell(upgrader.state(), { dist }),
    waits: (why) => (waiting = why),
    handOver(version, patienceMs) {
      link?.say({ say: 'switch', ...version, patienceMs })
      components.retire(options.drainMs)
    },
  })
  const upgrader = createUpgrader({
    log,
    first: firstOf(found),
    steps,
    releaseTurn: turn.release,
    changed(state) {
      waiting = undefined
      news.tell(state)
    },
  })
  const watchSelf = async (): Promise<void> => {
    for (const seq = news.tell(upgrader.state()); !(await isHealthy(components, seq).catch(() => false)); await sleep(clock, LOOK_MS))
      if (stopped) return
    link?.say({ say: 'healthy' })
    // The version is this worker's own once the supervisor has written it down.
    for (; pointer.trial !== undefined && !stopped; await sleep(clock, LOOK_MS)) pointer = await readPointer(dataDir)
    upgrader.on({ on: 'healthy' })
    await stage.keepOnly([pointer.current?.commit, pointer.previous?.commit])
  }

  return {
    port: createUpgradePort({
      ...head,
      options,
      facts,
      state: upgrader.state,
      turn: turn.current,
      waiting: () => waiting,
      previous: () => pointer.previous,
      on: upgrader.on,
      refresh: async () => void (pointer = await readPointer(dataDir)),
      vouch: (vouches) => void news.tell(upgrader.state(), { vouches }),
      assertAdmin: components.assertAdmin,
    }),
    profile: () => news.profile(upgrader.state()),
    assertKnown: (kind) => assertKnown(kind, facts),
    start() {
      // A turn that this worker still has is one that it was given for what is over.
      if (upgrader.state().phase === 'watching') void watchSelf().catch(components.onError)
      else void turn.release().catch(components.onError)
      head.start()
    },
    stop() {
      stopped = true
      for (const part of [turn, head, upgrader]) part.stop()
    },
  }
}

function firstOf({ running, memory: { failed, paused }, pointer }: Found): UpgradeState {
  const onTrial = running !== undefined && pointer.trial === running
  return firstState({ running, failed, onTrial, rolledBack: pointer.fallen, paused })
}

/** Where the branch stands, and why that is not known. */
function createHead(log: Log, source: Source, commit: (commit: string) => void) {
  let trouble: string | undefined
  let watch: HeadWatch | undefined
  return {
    trouble: () => trouble,
    look: async () => watch?.look(),
    start() {
      watch = source.watch({
        commit(found) {
          trouble = undefined
          commit(found)
        },
        trouble(reason) {
          if (trouble !== reason) log.warn({ reason }, 'the repository that is followed cannot be asked')
          trouble = reason
        },
      })
    },
    stop: () => watch?.stop(),
  }
}

/** Healthy is who answers over HTTP, has a link to the others, and has had a majority of the keepers acknowledge what it wrote. */
async function isHealthy({ self, engine, members, httpOrigin, linked }: UpgradeComponents, seq: number | undefined): Promise<boolean> {
  const { ok } = await fetch(`${httpOrigin()}/api/health`)
  if (!ok || seq === undefined) return false
  if (members.others(self).length > 0 && linked().length === 0) return false
  return (await engine.durable(seq, DURABLE_MS)) === 'majority'
}

function stageOf({ clock, dataDir, blobs, blobFetch }: UpgradeComponents, source: Source): ReturnType<typeof createStage> {
  const environment = ownEnvironment()
  return createStage({
    clock,
    versionsDir: versionsDir(dataDir),
    ownTree: OWN_TREE,
    environment,
    clone: source.clone,
    run: runStep,
    npm: () => findTool('npm', environment['PATH'] ?? '') ?? 'npm',
    blobs,
    fetchBlob: (hash, signal) => blobFetch.keep(hash, undefined, signal),
  })
}

function ownEnvironment(): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
