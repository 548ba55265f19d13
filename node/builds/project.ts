// What detection works with and what it says. A folder is looked at through a port, so that the same rules read a work tree on
// disk, a git tree of a peer and a list in a test. Detection never runs anything.

/** One folder of a repository. Paths are relative to it, with `/`. */
export type Folder = {
  /** From the root of the repository; empty for the root itself. */
  path: string
  /** Names of files and folders directly in it; folders end with `/`. */
  names: ReadonlySet<string>
  /** The text of a file below this folder, at most 1 MiB of it; undefined where there is none. */
  read(path: string): string | undefined
  has(path: string): boolean
}

export type Phase = 'install' | 'build' | 'test'

export type Step = {
  phase: Phase
  argv: string[]
  /** Where it runs, from the root of the repository. */
  dir: string
  /** Fetching needs the network; building and testing do without. */
  network: boolean
  /** Which file made us think so. */
  reason: string
}

/** A program that a worker must have; `version` as the repository writes it. */
export type Tool = { name: string; version?: string; reason: string }

export type Project = {
  ecosystem: string
  dir: string
  reason: string
  tools: Tool[]
  steps: Step[]
  /** Globs of what a build leaves behind, from the root of the repository. */
  artifacts: string[]
  /** Files whose content decides what installing gives: the key of the cache. */
  lockFiles: string[]
  /** Folders that installing fills: what the cache keeps. */
  caches: string[]
  /** Projects below this folder belong to it. */
  coversChildren?: boolean
}

/** Looks at one folder; undefined where it is not of this ecosystem. */
export type Detector = (folder: Folder) => Project | undefined

type StepInput = { argv: string[]; reason: string }

/** Steps of one folder, each phase in the order given. */
export function stepsOf(
  folder: Folder,
  phases: { install?: readonly StepInput[]; build?: readonly StepInput[]; test?: readonly StepInput[] },
): Step[] {
  return (['install', 'build', 'test'] as const).flatMap((phase) =>
    (phases[phase] ?? []).map(({ argv, reason }) => ({ phase, argv, dir: folder.path, network: phase === 'install', reason })),
  )
}

/** A path of the folder as seen from the root of the repository. */
export function within(folder: Folder, path: string): string {
  return folder.path === '' ? path : `${folder.path}/${path}`
}

/** The first of these names that the folder has. */
export function firstOf(folder: Folder, names: readonly string[]): string | undefined {
  return names.find((name) => folder.names.has(name))
}

/** Whether a name directly in the folder matches. */
export function anyName(folder: Folder, pattern: RegExp): string | undefined {
  return [...folder.names].find((name) => pattern.test(name))
}
