// What a build turned out to need when it was tried: tools that the worker's machine lacks, and workers that failed it for want of
// something else. Pure; the next worker is matched against it, and no attempt is used up.
import type { PeerId } from '../../../protocols/ids.ts'
import type { ToolNeed, ToolVersions } from '../../../protocols/tasks/tool-needs.ts'
import { meetsNeed } from '../../../protocols/tasks/tool-needs.ts'
import type { TaskState } from '../fold/fold.ts'

export type BuildAsk = { needs: readonly ToolNeed[]; tried: ReadonlyMap<PeerId, string> }

/** Undefined for all tasks but builds that moved on: nearly all. */
export function buildAskOf(state: TaskState): BuildAsk | undefined {
  if (state.task?.spec.kind !== 'build' || state.attempts.length === 0) return undefined
  const needs: ToolNeed[] = []
  const tried = new Map<PeerId, string>()
  for (const { outcome } of state.attempts) {
    const { build } = outcome ?? {}
    if (build === undefined || outcome?.result !== 'lost') continue
    for (const need of build.needs ?? []) if (!needs.some((one) => one.name === need.name && one.version === need.version)) needs.push(need)
    if (build.tried !== undefined) tried.set(build.tried, build.failure ?? 'unknown')
  }
  return needs.length === 0 && tried.size === 0 ? undefined : { needs, tried }
}

export function askMismatch(
  { needs, tried }: BuildAsk,
  { node, tools }: { node: PeerId; tools?: Readonly<ToolVersions> | undefined },
): { code: string; message: string; cure: string } | undefined {
  // A worker that does not tell of its tools is taken at its word, like one that does not tell of its memory.
  for (const need of tools === undefined ? [] : needs) {
    const met = meetsNeed(need, tools ?? {})
    if (met === 'yes') continue
    const has = tools?.[need.name]
    return {
      code: 'tool',
      message:
        met === 'unknown'
          ? `it has ${need.name}, in a version that it is asked for now`
          : `${has === undefined ? `it has no ${wordsOf(need)}` : `it has ${need.name} ${has}, not ${need.version ?? ''}`}`,
      cure: `install ${wordsOf(need)} on a worker${need.reason === undefined ? '' : ` (${need.reason} asks for it)`} and start it again`,
    }
  }
  const failure = tried.get(node)
  if (failure === undefined) return undefined
  return {
    code: 'tried',
    message: `it failed there already (${failure})`,
    cure: 'start another worker, or look at the log of that attempt',
  }
}

function wordsOf({ name, version }: ToolNeed): string {
  return version === undefined ? name : `${name} ${version}`
}
