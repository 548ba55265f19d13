// The tools of builds that this worker tells the mesh of: which are there is seen at the start; which version one has is asked when a
// build wants it, once for each program, and remembered on disk. Starting them all at every start would cost seconds.
import * as z from 'zod'
import type { ToolVersions } from '../../../protocols/tasks/tool-needs.ts'
import { ANY_VERSION, meetsNeed, TOOLS_MAX } from '../../../protocols/tasks/tool-needs.ts'
import type { Clock } from '../../kernel/clock.ts'
import { findTool } from '../../runner/commands/find-tools.ts'
import { askVersion, findKnownTools } from '../../runner/tools/tool-versions.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'
import { buildAskOf } from '../../tasks/builds/build-ask.ts'
import type { Values } from '../stored-state.ts'

export type OwnTools = {
  current(): Readonly<ToolVersions>
  /** A task changed: where it is a build that waits for a tool that is here, its version is asked for. */
  note(state: TaskState): void
}

const remembered = z.record(z.string(), z.strictObject({ stamp: z.string(), version: z.string() }))

export async function createOwnTools(components: {
  clock: Clock
  environment: Readonly<Record<string, string | undefined>>
  values: Pick<Values, 'get' | 'set'>
  /** A tool or a version more is known. */
  onChange(): void
  onError(error: unknown): void
}): Promise<OwnTools> {
  const { clock, environment, values } = components
  const path = environment['PATH'] ?? ''
  const known = remembered.safeParse((await values.get('tools')) ?? {}).data ?? {}
  const found = findKnownTools(path)
  const tools: ToolVersions = {}
  for (const [name, { stamp }] of found) tools[name] = known[name]?.stamp === stamp ? known[name].version : ''
  const asking = new Set<string>()

  const ask = async (name: string): Promise<void> => {
    const place = found.get(name)
    if (place === undefined) return
    const version = await askVersion(clock, name, place.file, environment)
    tools[name] = version === '' ? ANY_VERSION : version
    known[name] = { stamp: place.stamp, version: tools[name] }
    await values.set('tools', known)
    components.onChange()
  }
  return {
    current: () => tools,
    note(state) {
      if (state.value.state !== 'free') return
      for (const need of buildAskOf(state)?.needs ?? []) {
        const { name } = need
        const met = meetsNeed(need, tools)
        if (met === 'yes' || asking.has(name)) continue
        if (met === 'unknown') {
          asking.add(name)
          ask(name).catch(components.onError)
        } else if (!(name in tools) && Object.keys(tools).length < TOOLS_MAX && findTool(name, path) !== undefined) {
          // Not one of the list: that it is there is all that can be said of it.
          tools[name] = ANY_VERSION
          components.onChange()
        }
      }
    },
  }
}
