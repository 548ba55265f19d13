// The folder of a session on a worker that goes on with it: the repository as it was in the beginning, then all that was saved. Built
// aside and put in its place as a whole; an older folder of the same session is kept beside it.
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { tokenCounts } from '../../../protocols/agents/agent-events.ts'
import { SESSION_TAKEN_MAX } from '../../../protocols/limits.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Enclosure } from '../host/enclosure.ts'
import { type HostState, type Places, placesOf } from '../host/notes/host-order.ts'
import { UNPACK_SCRIPT } from '../host/saving/save-tree.ts'
import { exists } from '../session-folder.ts'
import type { SavedState } from './saved-state.ts'

export type UnpackComponents = {
  clock: Pick<Clock, 'wallMs'>
  /** The repository at that commit, into this folder; what a session without one begins with is an empty folder. */
  lay(places: Places, base: string | undefined): Promise<void>
  /** The sandbox around that folder. */
  enclosure(places: Places): Pick<Enclosure, 'script'>
}

const prompt = z.looseObject({ order: z.string().max(200), text: z.string() })
/** Written by another worker: its words start a program here. */
const hostState = z.looseObject({
  agentSession: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/),
  started: z.boolean(),
  queue: z.array(prompt).max(SESSION_TAKEN_MAX),
  open: prompt.optional(),
  taken: z.array(z.string().max(200)).max(SESSION_TAKEN_MAX),
  turns: z.int().min(0),
  tokens: tokenCounts,
  costUsd: z.number().min(0),
})

/** @param spentUsd what is known of its cost, which may be more than what was saved */
export async function unpackFolder(
  components: UnpackComponents,
  root: string,
  saved: SavedState,
  { spentUsd, ground }: { spentUsd: number; ground: object },
): Promise<{ places: Places; state: HostState }> {
  const state = readState(saved)
  const aside = placesOf(`${root}.new`)
  const places = placesOf(root)
  await rm(aside.root, { recursive: true, force: true })
  for (const folder of [aside.root, aside.home, aside.config, aside.run, aside.out, aside.save])
    await mkdir(folder, { recursive: true, mode: 0o700 })
  await components.lay(aside, saved.base)
  await writeFile(join(aside.save, 'config.tar'), saved.config)
  await writeFile(join(aside.save, 'tree.bundle'), saved.bundle)
  const own = saved.repository ? 'yes' : ''
  const args = [aside.save, aside.config, saved.files, saved.head ?? '', saved.branch ?? '', own, nameOf(saved.tree), nameOf(places.tree)]
  const end = await components.enclosure(aside).script(UNPACK_SCRIPT, args, { writable: [aside.save, aside.config] })
  if (end.exitCode !== 0)
    throw new NimbusError('save-damaged', `The files of session ${saved.session} cannot be put back: ${end.output.trim().slice(-300)}`, {
      cure: 'Start its worker again: the session lies there.',
    })
  const known: HostState = { ...state, costUsd: Math.max(state.costUsd, spentUsd) }
  await writeFile(aside.state, JSON.stringify(known), { mode: 0o600, flush: true })
  await writeFile(aside.history, saved.history, { mode: 0o600 })
  await writeFile(join(aside.run, 'ground.json'), JSON.stringify(ground), { flush: true })
  if (await exists(root)) await rename(root, `${root}.was-${Math.round(components.clock.wallMs())}`)
  await rename(aside.root, root)
  return { places, state: known }
}

function readState({ session, state }: SavedState): HostState {
  try {
    return hostState.parse(JSON.parse(Buffer.from(state).toString('utf8'))) as HostState
  } catch (cause) {
    throw new NimbusError('save-damaged', `The notes that were saved of session ${session} are none.`, {
      kind: 'refused',
      cause,
      cure: 'Start its worker again: the session lies there.',
    })
  }
}

/** How Claude Code names the conversations of a folder. */
function nameOf(tree: string): string {
  return tree.replaceAll(/[^A-Za-z0-9]/g, '-')
}
