// JavaScript and TypeScript: which package manager, by lockfile first, then by the field that names it.
import { isObject, objectAt, readJson, readYaml, textAt } from '../manifests.ts'
import type { JsonObject } from '../manifests.ts'
import type { Detector, Folder, Project, Tool } from '../project.ts'
import { firstOf, stepsOf, within } from '../project.ts'
import { pinOf, saidBy, toolFrom } from '../toolchain.ts'

type Manager = 'npm' | 'pnpm' | 'yarn' | 'bun' | 'deno'
type Choice = { manager: Manager; lock?: string; reason: string }

const LOCKS: readonly (readonly [string, Manager])[] = [
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
]
/** What `npm init` writes: a script that can only fail is no test. */
const NO_TEST = /no test specified/
/** Folders that builds of this ecosystem leave, where the folder is not committed. */
const OUTPUTS = ['dist', 'build', 'out', 'lib', '.next', '.output', 'public/build']
/** Of these, what a package of a workspace leaves: the rest belongs to whole sites. */
const PACKAGE_OUTPUTS = 3
const PACKAGE_GLOBS_MAX = 16

export const javascript: Detector = (folder) => {
  if (!folder.names.has('package.json')) return deno(folder)
  const manifest = readJson(folder, 'package.json')
  const choice = managerOf(folder, manifest)
  const { manager, lock } = choice
  const scripts = objectAt(manifest, 'scripts')
  const has = (name: string): boolean => typeof scripts[name] === 'string' && scripts[name] !== ''
  const run = (script: string): string[] => (manager === 'npm' && script === 'test' ? ['npm', 'test'] : [manager, 'run', script])
  const testable = has('test') && !NO_TEST.test(String(scripts['test']))
  return {
    ecosystem: manager,
    dir: folder.path,
    reason: choice.reason,
    tools: toolsOf(folder, manifest, choice),
    steps: stepsOf(folder, {
      install: [{ argv: installOf(folder, choice), reason: choice.reason }],
      build: has('build') ? [{ argv: run('build'), reason: 'package.json has a script "build"' }] : [],
      test: testable ? [{ argv: run('test'), reason: 'package.json has a script "test"' }] : [],
    }),
    artifacts: has('build') ? outputsOf(folder, manifest) : [],
    lockFiles: [within(folder, lock ?? 'package.json')],
    caches: [within(folder, 'node_modules')],
    ...(isWorkspace(folder, manifest) ? { coversChildren: true } : {}),
  }
}

function managerOf(folder: Folder, manifest: JsonObject | undefined): Choice {
  const named = /^(npm|pnpm|yarn|bun)@/.exec(textAt(manifest, 'packageManager') ?? '')?.[1] as Manager | undefined
  const locks = LOCKS.filter(([file]) => folder.names.has(file))
  const match = locks.find(([, manager]) => manager === named) ?? (named === undefined ? locks[0] : undefined)
  if (match !== undefined) {
    const [lock, manager] = match
    const others = locks.filter(([, other]) => other !== manager).map(([file]) => file)
    const why = named === undefined || others.length === 0 ? lock : `${lock}, and package.json names ${named} (not ${others.join(', ')})`
    return { manager, lock, reason: why }
  }
  if (named !== undefined) return { manager: named, reason: `package.json names ${named} in packageManager` }
  const marker = firstOf(folder, ['pnpm-workspace.yaml', '.yarnrc.yml', 'bunfig.toml'])
  if (marker !== undefined)
    return { manager: marker === 'pnpm-workspace.yaml' ? 'pnpm' : marker === '.yarnrc.yml' ? 'yarn' : 'bun', reason: marker }
  return { manager: 'npm', reason: 'package.json, without a lockfile' }
}

/** With a lockfile, exactly what it says and nothing else. */
function installOf(folder: Folder, { manager, lock }: Choice): string[] {
  if (manager === 'npm') return lock === undefined ? ['npm', 'install'] : ['npm', 'ci']
  if (lock === undefined) return [manager, 'install']
  // Yarn 2 and later have another word for the same.
  if (manager === 'yarn' && isModernYarn(folder)) return ['yarn', 'install', '--immutable']
  return [manager, 'install', '--frozen-lockfile']
}

function isModernYarn(folder: Folder): boolean {
  return folder.names.has('.yarnrc.yml') || /^__metadata:/m.test(folder.read('yarn.lock') ?? '')
}

function toolsOf(folder: Folder, manifest: JsonObject | undefined, { manager, reason }: Choice): Tool[] {
  const field = /^(\w+)@(\d[^+]*)/.exec(textAt(manifest, 'packageManager') ?? '')
  const own = toolFrom(
    manager,
    reason,
    saidBy('package.json packageManager', field?.[1] === manager ? field[2] : undefined),
    pinOf(folder, manager === 'bun' ? ['.bun-version'] : [], [manager]),
    saidBy('package.json volta', textAt(manifest, 'volta', manager)),
    saidBy('package.json devEngines', devEngine(manifest, 'packageManager', manager)),
    // npm only warns of its own.
    saidBy('package.json engines', manager === 'npm' ? undefined : textAt(manifest, 'engines', manager)),
  )
  return manager === 'bun' ? [own] : [nodeOf(folder, manifest), own]
}

function nodeOf(folder: Folder, manifest: JsonObject | undefined): Tool {
  return toolFrom(
    'node',
    'package.json',
    pinOf(folder, ['.nvmrc', '.node-version'], ['nodejs', 'node']),
    saidBy('package.json volta', textAt(manifest, 'volta', 'node')),
    saidBy('package.json devEngines', devEngine(manifest, 'runtime', 'node')),
    saidBy('package.json engines', textAt(manifest, 'engines', 'node')),
  )
}

/** One, or a list of those that will do. */
function devEngine(manifest: JsonObject | undefined, kind: 'runtime' | 'packageManager', name: string): string | undefined {
  const said = objectAt(manifest, 'devEngines')[kind]
  const one = (Array.isArray(said) ? (said as unknown[]) : [said]).find((item) => isObject(item) && item['name'] === name)
  return textAt(isObject(one) ? one : undefined, 'version')
}

/** At the root, and in each package of a workspace. */
function outputsOf(folder: Folder, manifest: JsonObject | undefined): string[] {
  const own = OUTPUTS.filter((output) => !folder.has(output)).map((output) => within(folder, `${output}/**`))
  const packages = packagesOf(folder, manifest).filter((glob) => isInside(glob))
  return [...own, ...packages.flatMap((glob) => OUTPUTS.slice(0, PACKAGE_OUTPUTS).map((output) => within(folder, `${glob}/${output}/**`)))]
}

/** Globs of the folders that hold the packages of a workspace. */
function packagesOf(folder: Folder, manifest: JsonObject | undefined): string[] {
  const { workspaces } = manifest ?? {}
  const listed = Array.isArray(workspaces) ? workspaces : isObject(workspaces) ? workspaces['packages'] : undefined
  const globs = listed ?? readYaml(folder, 'pnpm-workspace.yaml')?.['packages']
  return Array.isArray(globs) ? globs.filter((glob) => typeof glob === 'string').slice(0, PACKAGE_GLOBS_MAX) : []
}

function isInside(glob: string): boolean {
  return !glob.startsWith('!') && !glob.startsWith('/') && !glob.split('/').includes('..')
}

function isWorkspace(folder: Folder, manifest: JsonObject | undefined): boolean {
  const { workspaces } = manifest ?? {}
  return (
    Array.isArray(workspaces) ||
    isObject(workspaces) ||
    firstOf(folder, ['pnpm-workspace.yaml', 'lerna.json', 'nx.json', 'rush.json']) !== undefined
  )
}

function deno(folder: Folder): Project | undefined {
  const file = firstOf(folder, ['deno.json', 'deno.jsonc'])
  if (file === undefined) return undefined
  const tasks = objectAt(readJson(folder, file), 'tasks')
  const locked = folder.names.has('deno.lock')
  return {
    ecosystem: 'deno',
    dir: folder.path,
    reason: file,
    tools: [toolFrom('deno', file, pinOf(folder, ['.dvmrc'], ['deno']))],
    steps: stepsOf(folder, {
      install: [{ argv: ['deno', 'install', ...(locked ? ['--frozen'] : [])], reason: locked ? 'deno.lock' : file }],
      build: 'build' in tasks ? [{ argv: ['deno', 'task', 'build'], reason: `${file} has a task "build"` }] : [],
      test: [{ argv: 'test' in tasks ? ['deno', 'task', 'test'] : ['deno', 'test'], reason: file }],
    }),
    artifacts: [],
    lockFiles: [within(folder, locked ? 'deno.lock' : file)],
    caches: [],
  }
}
