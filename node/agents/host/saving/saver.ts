// Saves of one session while it runs: after each call of a tool and at the end of each turn, not more often than they are worth. The
// host writes an encrypted file; its node brings that to other members.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Cancel, Clock } from '../../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../../kernel/errors.ts'
import { sealState } from '../../moving/saved-state.ts'
import type { Enclosure } from '../enclosure.ts'
import type { HostOrder, Places } from '../notes/host-order.ts'
import { PACK_SCRIPT } from './save-tree.ts'

/** From the begin of one save to the next; longer where a save takes long. */
const GAP_MS = 2_000
const SHARE = 10

export type Saver = {
  /** Something happened that is worth a save, at once or soon: a call of a tool ended, or something else. */
  note(call?: string): void
  /** The last one: settles when it is written, or could not be. */
  finish(): Promise<void>
}

export type SaverComponents = {
  clock: Clock
  places: Places
  order: HostOrder
  enclosure: Pick<Enclosure, 'script'>
  /** The `n`th file of this process is there. */
  onSaved(n: number, after: string | undefined): void
  /** It could not be saved; the session goes on. */
  onFailed(message: string): void
}

export function createSaver({ clock, places, order, enclosure, onSaved, onFailed }: SaverComponents): Saver {
  let n = 0
  let nextMs = -Infinity
  let due: Cancel | undefined
  let running: Promise<void> | undefined
  let again = false
  let last: string | undefined
  let failed = ''

  const save = async (bytesKey: Uint8Array): Promise<void> => {
    const startedMs = clock.nowMs()
    const after = last
    try {
      const box = await sealState(await stateOf(places, order, enclosure), bytesKey, randomBytes(12))
      n += 1
      writeBox(saveFile(places, n), box)
      onSaved(n, after)
      failed = ''
    } catch (error) {
      // Told once: the same reason comes again with each save.
      const message = messageOf(error)
      if (failed !== message) onFailed(message)
      failed = message
    }
    nextMs = startedMs + Math.max(GAP_MS, SHARE * (clock.nowMs() - startedMs))
  }
  const run = (): void => {
    due?.()
    due = undefined
    const key = keyOf(places)
    if (key === undefined) return
    running = save(key).finally(() => {
      running = undefined
      if (again) note()
    })
  }
  const note = (call?: string): void => {
    last = call ?? last
    if (running !== undefined) {
      again = true
      return
    }
    again = false
    if (due !== undefined) return
    const waitMs = nextMs - clock.nowMs()
    if (waitMs <= 0) run()
    else due = clock.after(waitMs, run)
  }
  return {
    note,
    async finish() {
      again = false
      await running
      run()
      await running
    },
  }
}

/** Where the node finds the `n`th save of a process; out of the agent's reach. */
export function saveFile(places: Places, n: number): string {
  return join(places.run, `save-${n}`)
}

/** Written by the node where there is somebody to save it to. */
export function saveKeyFile(places: Places): string {
  return join(places.run, 'save.key')
}

function keyOf(places: Places): Uint8Array | undefined {
  const file = saveKeyFile(places)
  return existsSync(file) ? readFileSync(file) : undefined
}

async function stateOf(places: Places, order: HostOrder, { script }: Pick<Enclosure, 'script'>) {
  mkdirSync(places.save, { recursive: true, mode: 0o700 })
  // Before the work tree: what these say to be finished is in it then.
  const [state, history] = [bytesOf(places.state), bytesOf(places.history)]
  const repository = existsSync(join(places.tree, '.git'))
  const shadow = repository ? '' : join(places.save, 'shadow')
  const end = await script(PACK_SCRIPT, [places.save, order.base ?? '', places.config, shadow], {
    writable: [places.save],
    readable: [places.config],
  })
  if (end.exitCode !== 0)
    throw new NimbusError('save-failed', `The session could not be saved elsewhere: ${end.output.trim().slice(-300)}`, {
      cure: 'It goes on; only its own worker can go on with it later.',
    })
  const printed = (name: string): string => new RegExp(`^saved-${name}=(.*)$`, 'm').exec(end.output)?.[1] ?? ''
  const [files, head, branch] = [printed('files'), printed('head'), printed('branch')]
  return {
    v: 1 as const,
    session: order.session,
    tree: places.tree,
    repository,
    files,
    ...(order.base === undefined ? {} : { base: order.base }),
    ...(head === '' ? {} : { head }),
    ...(branch === '' ? {} : { branch }),
    state,
    history,
    config: readFileSync(join(places.save, 'config.tar')),
    bundle: readFileSync(join(places.save, 'tree.bundle')),
  }
}

function bytesOf(file: string): Buffer {
  return existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
}

function writeBox(file: string, box: Uint8Array): void {
  writeFileSync(`${file}.new`, box, { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}
