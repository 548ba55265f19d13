// What a plan asks for and this machine lacks, looked at before the first command runs. Whoever has it may take the build instead.
import { meetsNeed } from '../../../protocols/tasks/tool-needs.ts'
import type { Clock } from '../../kernel/clock.ts'
import { findTool } from '../../runner/commands/find-tools.ts'
import { askVersion } from '../../runner/tools/tool-versions.ts'
import type { Tool } from '../project.ts'

export type Looked = {
  /** What is here, by name: for the record, and for whatever depends on it. Empty where a tool tells none. */
  versions: Record<string, string>
  lacking?: { needs: Tool[]; reason: string }
}

/** A tool whose version nobody can tell is taken as fitting: its own words will say otherwise. */
export async function lookForTools(
  clock: Clock,
  tools: readonly Tool[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Looked> {
  const path = environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'
  const looked = await Promise.all(
    tools.map(async (tool) => {
      const file = findTool(tool.name, path)
      return { tool, version: file === undefined ? undefined : await askVersion(clock, tool.name, file, environment) }
    }),
  )
  const versions = Object.fromEntries(looked.flatMap(({ tool, version }) => (version === undefined ? [] : [[tool.name, version]])))
  const absent = looked.filter(({ version }) => version === undefined)
  const others = looked.filter(({ tool, version }) => !!version && meetsNeed(tool, { [tool.name]: version }) !== 'yes')
  if (absent.length + others.length === 0) return { versions }
  const asked = ({ name, version }: Tool): string => `${name}${version === undefined ? '' : ` ${version}`}`
  const words = [
    ...(absent.length === 0 ? [] : [`no ${absent.map(({ tool }) => `${asked(tool)} (${tool.reason})`).join(', ')}`]),
    ...others.map(({ tool, version }) => `${tool.name} ${version}, not ${tool.version} (${tool.reason})`),
  ]
  return {
    versions,
    lacking: { needs: [...absent, ...others].map(({ tool }) => tool), reason: `this machine has ${words.join('; and ')}` },
  }
}
