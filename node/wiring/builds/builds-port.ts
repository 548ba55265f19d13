// What the API asks of builds: the list and one of them with its report, and what stands behind a file. Nothing is answered of a
// file that its signature, its signer, the queue's own record and its content do not all agree on.
import * as z from 'zod'
import { PROVENANCE_NAME } from '../../../protocols/builds/provenance.ts'
import type { BuildDetail, BuildView, ProvenanceView } from '../../../protocols/builds/build-views.ts'
import { buildCache, buildTry } from '../../../protocols/builds/build-views.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import { isPeerId, isTaskId } from '../../../protocols/ids.ts'
import type { Outcome } from '../../../protocols/records.ts'
import type { BuildsPort, NodePort } from '../../api/ports.ts'
import { openStatement, refused } from '../../builds/provenance/dsse.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { BlobStore } from '../../store/blobs.ts'
import { REPORT_BYTES_MAX, REPORT_NAME } from '../../tasks/builds/build-work.ts'
import { followUpIds } from '../../tasks/builds/follow-ups.ts'
import { buildView } from '../../tasks/builds/build-view.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import type { BlobFetch } from '../../tasks/work/blob-fetch.ts'
import type { PeerKeys } from '../../trust/peer-keys.ts'
import type { BuildCaches } from './build-caches.ts'

export type BuildsPortComponents = {
  engine: Pick<Engine, 'fold' | 'newestTasks'>
  fleet: Pick<Fleet, 'nameOf'>
  blobs: Pick<BlobStore, 'open' | 'size' | 'verify' | 'hold'>
  fetch: Pick<BlobFetch, 'keep'>
  keys: PeerKeys
  caches: Pick<BuildCaches, 'find'>
  tasks: NodePort['tasks']
  task: NodePort['task']
}

const reportView = z.looseObject({
  plan: z.looseObject({ reasons: z.array(z.string()) }),
  tools: z.record(z.string(), z.string()).optional(),
  tries: z.array(z.looseObject(buildTry.shape)),
  cache: buildCache.optional(),
})
/** Tasks looked at for the one that left a file. */
const LOOK_MAX = 100_000

export function createBuildsPort(components: BuildsPortComponents): BuildsPort {
  const { engine, fleet, blobs, fetch, keys } = components
  const viewOf = (id: string): BuildView | undefined => {
    const state = isTaskId(id) ? engine.fold.task(id) : undefined
    const task = components.task(id)
    const view = state === undefined || task === undefined ? undefined : buildView(task, state)
    if (view === undefined || state?.task?.spec.build === undefined) return view
    const { lastGood, repair } = followUpIds(state.id)
    const known = (one: TaskId | undefined): boolean => one !== undefined && engine.fold.task(one)?.task !== undefined
    const followedBy = { ...(known(lastGood) ? { lastGood } : {}), ...(known(repair) ? { repair } : {}) }
    return Object.keys(followedBy).length === 0 ? view : { ...view, followedBy }
  }
  const textOf = async (hash: string, from: PeerId | undefined, sizeMax: number, signal: AbortSignal): Promise<Buffer | undefined> => {
    const release = await blobs.hold(hash)
    try {
      if (!(await fetch.keep(hash, from, signal)) || ((await blobs.size(hash)) ?? Infinity) > sizeMax) return undefined
      const pieces: Uint8Array[] = []
      for await (const piece of blobs.open(hash)) pieces.push(piece)
      return Buffer.concat(pieces)
    } finally {
      release()
    }
  }
  const reportOf = async (view: BuildView, signal: AbortSignal): Promise<Pick<BuildDetail, 'reasons' | 'tools' | 'tries' | 'cache'>> => {
    const nothing = { reasons: [], tools: {}, tries: [] }
    const file = view.artifacts.find(({ path }) => path === REPORT_NAME)
    const bytes = file === undefined ? undefined : await textOf(file.hash, undefined, REPORT_BYTES_MAX, signal)
    const report = bytes === undefined ? undefined : reportView.safeParse(jsonOf(bytes)).data
    if (report === undefined) return nothing
    const { plan, tools = {}, tries, cache } = report
    return {
      reasons: plan.reasons,
      tools,
      tries: tries.map((one) => buildTry.parse(one)),
      ...(cache === undefined ? {} : { cache }),
    }
  }

  return {
    list(query) {
      const { items, ...rest } = components.tasks({ ...query, kind: 'build' })
      return { ...rest, items: items.flatMap(({ id }) => viewOf(id) ?? []) }
    },
    async cache(key, task, signal) {
      // What a private registry gave is for builds, not for any task that guesses a key.
      const kind = task === undefined || !isTaskId(task) ? undefined : engine.fold.task(task)?.task?.spec.kind
      return task === undefined || kind === 'build' ? components.caches.find(key, signal) : undefined
    },
    async find(id, signal) {
      const view = viewOf(id)
      return view === undefined ? undefined : { ...view, ...(await reportOf(view, signal)) }
    },
    async provenance(hash, signal) {
      const left = leaverOf(engine, hash)
      if (left === undefined)
        throw new NimbusError('provenance-unknown', `No build that this mesh knows has left the file ${hash}.`, {
          kind: 'missing',
          cure: 'Only files of tasks of kind build have a provenance: nimbus build ls lists them.',
        })
      const { state, outcome, holder, epoch, path } = left
      const envelope = outcome.artifacts?.find((file) => file.path === PROVENANCE_NAME)
      const bytes = envelope === undefined ? undefined : await textOf(envelope.hash, holder, REPORT_BYTES_MAX, signal)
      if (bytes === undefined || envelope === undefined)
        throw new NimbusError('provenance-missing', `Build ${state.id} left ${path} without a provenance that can be reached.`, {
          kind: 'missing',
          cure: 'Is the worker that built it running? Builds of older versions have none.',
        })
      const { statement, keyId } = openStatement(
        bytes,
        (peer, signed, signature) => isPeerId(peer) && keys.verifyPeer(peer, '', signed, signature),
      )
      if (keyId !== holder) throw refused(`it is signed by ${keyId}, and the build ran on ${holder}`)
      const { buildDefinition, runDetails } = statement.predicate
      const { externalParameters, resolvedDependencies } = buildDefinition
      if (runDetails.metadata.invocationId !== `${state.id}/${epoch}`)
        throw refused(`it speaks of run ${runDetails.metadata.invocationId}, not of ${state.id}/${epoch}`)
      if (!statement.subject.some(({ digest }) => digest['sha256'] === hash)) throw refused(`it does not name the file ${hash}`)
      const release = await blobs.hold(hash)
      try {
        if (!(await fetch.keep(hash, holder, signal)))
          throw new NimbusError('artifact-out-of-reach', `The file ${hash} is on no worker that can be reached.`, {
            kind: 'unreachable',
            cure: 'Start the worker that has it again.',
          })
        if (!(await blobs.verify(hash))) throw refused(`what lies here under ${hash} is something else`)
        return {
          hash,
          path,
          size: (await blobs.size(hash)) ?? 0,
          task: state.id,
          worker: holder,
          workerName: fleet.nameOf(holder),
          repo: externalParameters.repo ?? null,
          ref: externalParameters.ref ?? null,
          commit: resolvedDependencies.find(({ uri }) => uri.startsWith('git+'))?.digest?.['gitCommit'] ?? null,
          finishedAt: runDetails.metadata.finishedOn,
          materials: resolvedDependencies.map(({ uri, digest }) => ({ uri, digest: digest ?? {} })),
          envelope: envelope.hash,
        } satisfies ProvenanceView
      } finally {
        release()
      }
    },
  }
}

type Leaver = { state: TaskState; outcome: Outcome; holder: PeerId; epoch: number; path: string }

/** The newest build that left this file, by the queue's own record. */
function leaverOf(engine: BuildsPortComponents['engine'], hash: string): Leaver | undefined {
  let looked = 0
  for (const id of engine.newestTasks()) {
    if ((looked += 1) > LOOK_MAX) return undefined
    const state = engine.fold.task(id)
    if (state?.task?.spec.kind !== 'build') continue
    for (const { outcome, holder, epoch } of state.attempts) {
      const file = outcome?.artifacts?.find((one) => one.hash === hash)
      if (file !== undefined && outcome !== undefined && holder !== undefined) return { state, outcome, holder, epoch, path: file.path }
    }
  }
  return undefined
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined // the schema refuses it
  }
}
