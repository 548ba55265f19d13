// The room of builds on this node: what its worker tells of its tools, how a task of kind `build` is carried out and attested, what the API
// shows of builds. The rest of the node is asked for when something happens: it is built later.
import type { BuildsPort } from '../../api/ports.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import { sealStatement } from '../../builds/provenance/dsse.ts'
import { statementOf } from '../../builds/provenance/statement.ts'
import type { Clock } from '../../kernel/clock.ts'
import { toolHomes } from '../../runner/tools/tool-homes.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'
import type { BuildWork } from '../../tasks/builds/build-work.ts'
import { createBuildWork } from '../../tasks/builds/build-work.ts'
import type { Identity } from '../../trust/identity.ts'
import type { Values } from '../stored-state.ts'
import type { BuildCaches, BuildCachesComponents } from './build-caches.ts'
import { createBuildCaches } from './build-caches.ts'
import type { BuildsPortComponents } from './builds-port.ts'
import { createBuildsPort } from './builds-port.ts'
import type { ElsewhereRooms } from './elsewhere.ts'
import { createElsewhere } from './elsewhere.ts'
import type { OwnTools } from './own-tools.ts'
import { createBuildRecovery } from './recovery.ts'
import { createOwnTools } from './own-tools.ts'

export type BuildRoom = {
  work: BuildWork
  caches: Pick<BuildCaches, 'beside'>
  tools: Pick<OwnTools, 'current'>
  noteTask(state: TaskState): void
  /** What the API asks of builds. */
  open(rooms: Omit<BuildsPortComponents, 'blobs' | 'keys' | 'caches'>): BuildsPort
}

export type BuildRoomComponents = {
  identity: Identity
  clock: Clock
  values: Values
  blobs: BlobStore
  /** The words that start this very program, and its version. */
  nimbus: readonly string[]
  version: string
  environment: Readonly<Record<string, string | undefined>>
  caches: Pick<BuildCachesComponents, 'dataDir' | 'bytesMax' | 'fetch'>
  rooms(): ElsewhereRooms
  /** What this worker tells of its tools has changed. */
  onTools(): void
  onError(error: unknown): void
}

export async function createBuildRoom(components: BuildRoomComponents): Promise<BuildRoom> {
  const { identity, clock, values, blobs, environment, nimbus, version, rooms, onTools, onError } = components
  const worker: PeerId = identity.peerId
  const tools = await createOwnTools({ clock, environment, values, onChange: onTools, onError })
  const caches = await createBuildCaches({ ...components.caches, self: worker, engine: () => rooms().engine })
  const recovery = createBuildRecovery({ self: worker, clock, engine: () => rooms().engine, onError })
  return {
    tools,
    caches,
    noteTask(state) {
      tools.note(state)
      recovery.note(state)
    },
    open: (rest) => createBuildsPort({ ...rest, blobs, caches, keys: identity }),
    work: createBuildWork({
      nimbus,
      environment: toolHomes(environment),
      blobs,
      caches,
      elsewhere: createElsewhere(worker, rooms, tools.current),
      attest: ({ task, epoch, spec: { repo, ref } }, { commit, files, report }) =>
        sealStatement(statementOf({ task, epoch, worker, repo, ref, commit, files, version, finishedAt: clock.wallMs() }, report), {
          keyId: worker,
          sign: (bytes) => identity.sign('', bytes),
        }),
    }),
  }
}
