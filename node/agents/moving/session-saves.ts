// What the hosts of this worker saved, brought to other members: encrypted once, its key sealed to the workers that may go on with the
// session. A save counts once another member has it on its disk; and the other way: a save of another worker, fetched and opened.
import { readdirSync, rmSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SessionSave } from '../../../protocols/agents/session-records.ts'
import type { BlobHash, PeerId, TaskId } from '../../../protocols/ids.ts'
import { SESSION_COPIES_MAX, SESSION_READERS_MAX } from '../../../protocols/limits.ts'
import type { SealedKey } from '../../../protocols/tasks/secret-records.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Random } from '../../kernel/random.ts'
import type { Blob, BlobStore } from '../../store/blobs.ts'
import type { BlobFetch } from '../../tasks/work/blob-fetch.ts'
import type { Sealing } from '../../trust/sealing.ts'
import type { Places } from '../host/notes/host-order.ts'
import { saveFile, saveKeyFile } from '../host/saving/saver.ts'
import { contextOf, openState, type SavedState } from './saved-state.ts'

export type SavePorts = {
  sealing: Sealing
  /** To what a member's secrets are sealed. */
  keyOf(peer: PeerId): Uint8Array | undefined
  /** Workers that may go on with the session, those that are here first; never this one. */
  readers(session: TaskId): PeerId[]
  /** Those of them, and other members, that can be asked to keep a copy now, best first. */
  copiers(session: TaskId): PeerId[]
  /** Settles when that member has the blob on its disk. */
  askToTake(peer: PeerId, blob: Blob, signal: AbortSignal): Promise<void>
  fetch: Pick<BlobFetch, 'keep'>
}
export type SavesComponents = {
  self: PeerId
  clock: Clock
  random: Pick<Random, 'bytes'>
  blobs: Pick<BlobStore, 'putFile' | 'remove' | 'open'>
  /** There once the node is put together. */
  ports(): SavePorts | undefined
}
/** A save of another worker, opened; `save` is the same one, sealed anew by this worker. */
export type OpenedSave = { state: SavedState; save: SessionSave }

export type SessionSaves = {
  /** A host may save, where there is somebody to save it to; asked again and again while it runs. */
  allow(places: Places, session: TaskId): Promise<void>
  /** Takes the `n`th save of a host; undefined where nobody else keeps it, or a newer one is under way. */
  take(places: Places, session: TaskId, n: number): Promise<SessionSave | undefined>
  /** @throws NimbusError where nobody who can be reached has it, or it is not for this worker */
  open(session: TaskId, worker: PeerId, save: SessionSave, signal: AbortSignal): Promise<OpenedSave>
  /** The host is gone. */
  over(places: Places, session: TaskId): void
}

/** Beside the worker's own. */
const COPIES = 2
const TAKE_MS_MAX = 60_000

export function createSessionSaves(components: SavesComponents): SessionSaves {
  const { self, clock, blobs } = components
  /** One key a host, for as long as it runs. */
  const keys = new Map<TaskId, Uint8Array>()
  const newest = new Map<TaskId, number>()
  const seal = async (session: TaskId, key: Uint8Array, { sealing, keyOf, readers }: SavePorts): Promise<SealedKey[]> => {
    const sealed: SealedKey[] = []
    for (const to of readers(session).slice(0, SESSION_READERS_MAX - 1)) {
      const target = keyOf(to)
      if (target !== undefined) sealed.push({ to, ...(await sealing.seal(target, key, contextOf(session))) })
    }
    return [...sealed, { to: self, ...(await sealing.seal(sealing.publicKey, key, contextOf(session))) }]
  }
  const spread = async (session: TaskId, blob: Blob, { copiers, askToTake }: SavePorts): Promise<PeerId[]> => {
    const kept: PeerId[] = []
    const over = new AbortController()
    const cancel = clock.after(TAKE_MS_MAX, () => over.abort())
    const left = copiers(session)
    // As many at once as are still wanted; whoever fails is followed by the next.
    while (kept.length < COPIES && left.length > 0 && !over.signal.aborted) {
      const asked = left.splice(0, COPIES - kept.length)
      const ends = await Promise.allSettled(asked.map((peer) => askToTake(peer, blob, over.signal)))
      kept.push(...asked.filter((_, at) => ends[at]?.status === 'fulfilled'))
    }
    cancel()
    return kept
  }
  return {
    async allow(places, session) {
      const ports = components.ports()
      if (keys.has(session) || ports === undefined || ports.readers(session).length === 0) return
      const key = components.random.bytes(32)
      keys.set(session, key)
      await writeFile(saveKeyFile(places), key, { mode: 0o600 })
    },
    async take(places, session, n) {
      const ports = components.ports()
      const key = keys.get(session)
      const file = saveFile(places, n)
      newest.set(session, Math.max(n, newest.get(session) ?? 0))
      if (ports === undefined || key === undefined) return undefined
      const blob = await blobs.putFile(file)
      await rm(file, { force: true })
      const kept = newest.get(session) === n ? await spread(session, blob, ports) : []
      if (kept.length === 0) {
        await blobs.remove(blob.hash)
        return undefined
      }
      const sealed = await seal(session, key, ports)
      return { hash: blob.hash as BlobHash, size: blob.size, at: Math.round(clock.wallMs()), sealed, kept }
    },
    async open(session, worker, save, signal) {
      const ports = components.ports()
      const own = save.sealed.find(({ to }) => to === self)
      const from = worker === self ? ports?.sealing.publicKey : ports?.keyOf(worker)
      if (ports === undefined || own === undefined || from === undefined) throw notForUs(session)
      const key = await ports.sealing.open(from, own, contextOf(session)).catch((cause: unknown) => {
        throw notForUs(session, cause)
      })
      if (!(await ports.fetch.keep(save.hash, save.kept.find((peer) => peer !== self) ?? worker, signal)))
        throw new NimbusError('save-out-of-reach', `What was saved of session ${session} is on no member that can be reached.`, {
          kind: 'unreachable',
          cure: 'Start its worker again, or one of those that keep what it saved.',
        })
      const pieces: Uint8Array[] = []
      for await (const piece of blobs.open(save.hash)) pieces.push(piece)
      const state = await openState(session, key, Buffer.concat(pieces))
      const kept = [...new Set([...save.kept, worker])].filter((peer) => peer !== self).slice(0, SESSION_COPIES_MAX)
      return { state, save: { ...save, kept, sealed: await seal(session, key, ports) } }
    },
    over(places, session) {
      keys.delete(session)
      newest.delete(session)
      rmSync(saveKeyFile(places), { force: true })
      for (const name of readdirSync(places.run)) if (/^save-\d+(\.new)?$/.test(name)) rmSync(join(places.run, name), { force: true })
    },
  }
}

function notForUs(session: TaskId, cause?: unknown): NimbusError {
  return new NimbusError('save-sealed', `What was saved of session ${session} was not sealed to this worker.`, {
    kind: 'refused',
    cause,
    cure: 'nimbus session show names the workers that may go on with it; nimbus session move ID WORKER takes one of them.',
  })
}
