// The plan of a build: which commands run where, in which order, with which tools, and why. Readable before anything runs.
import type { Detection } from './detect.ts'
import type { Override } from './override.ts'
import type { Phase, Step, Tool } from './project.ts'

export type BuildPlan = {
  steps: Step[]
  tools: Tool[]
  artifacts: string[]
  lockFiles: string[]
  caches: string[]
  env: Record<string, string>
  skills: string[]
  /** One line each: what was found, and what was left alone. */
  reasons: string[]
  run?: string[]
  check?: string[]
}

const PHASES: readonly Phase[] = ['install', 'build', 'test']

export function planBuild(detection: Detection, override: Override = {}): BuildPlan {
  const { projects, passedOver } = detection
  const detected = PHASES.flatMap((phase) => projects.flatMap((project) => project.steps.filter((step) => step.phase === phase)))
  const steps = PHASES.flatMap((phase) => {
    const own = override[phase]
    if (own === undefined) return detected.filter((step) => step.phase === phase)
    return own.map((argv): Step => ({ phase, argv, dir: override.dir ?? '', network: phase === 'install', reason: 'nimbus.yaml' }))
  })
  const tools = new Map<string, Tool>()
  for (const tool of projects.flatMap((project) => project.tools)) if (!tools.has(tool.name)) tools.set(tool.name, tool)
  for (const [name, version] of Object.entries(override.tools ?? {}))
    tools.set(name, { name, reason: 'nimbus.yaml', ...(version === '' ? {} : { version }) })
  return {
    steps,
    tools: [...tools.values()],
    artifacts: override.artifacts ?? [...new Set(projects.flatMap((project) => project.artifacts))],
    lockFiles: [...new Set(projects.flatMap((project) => project.lockFiles))],
    caches: [...new Set(projects.flatMap((project) => project.caches))],
    env: override.env ?? {},
    skills: override.skills ?? [],
    reasons: [
      ...projects.map(({ dir, ecosystem, reason }) => `${reason}${dir === '' ? '' : ` in ${dir}`} → ${ecosystem}`),
      ...steps.map((step) => `${step.reason} → ${step.argv.join(' ')}`),
      ...passedOver.map(({ path, reason }) => `${path}: ${reason}`),
    ],
    ...(override.run === undefined ? {} : { run: override.run }),
    ...(override.check === undefined ? {} : { check: override.check }),
  }
}
