// Python: uv, poetry, or pip in a virtual environment of the work tree's own.
import type { JsonObject } from '../manifests.ts'
import { objectAt, readToml, textAt } from '../manifests.ts'
import type { Detector, Folder, Project, Tool } from '../project.ts'
import { anyName, firstOf, stepsOf, within } from '../project.ts'
import { pinOf, saidBy, toolFrom } from '../toolchain.ts'

type Facts = { folder: Folder; manifest: JsonObject | undefined; packaged: boolean; tool: Tool }

export const python: Detector = (folder) => {
  const file = firstOf(folder, ['pyproject.toml', 'setup.py', 'setup.cfg', 'requirements.txt', 'Pipfile'])
  if (file === undefined) return undefined
  const manifest = readToml(folder, 'pyproject.toml')
  // A pyproject.toml may hold nothing but the settings of a linter.
  const declares = manifest !== undefined && (manifest['project'] !== undefined || objectAt(manifest, 'tool')['poetry'] !== undefined)
  const packaged = manifest?.['build-system'] !== undefined || firstOf(folder, ['setup.py', 'setup.cfg']) !== undefined
  if (file === 'pyproject.toml' && !declares && !packaged && !folder.names.has('requirements.txt')) return undefined
  const facts: Facts = { folder, manifest, packaged, tool: interpreter(folder, manifest, file) }
  if (folder.names.has('uv.lock') || objectAt(manifest, 'tool')['uv'] !== undefined)
    return { ...withManager(UV, facts), ...(isUvWorkspace(manifest) ? { coversChildren: true } : {}) }
  if (folder.names.has('poetry.lock') || objectAt(manifest, 'tool')['poetry'] !== undefined) return withManager(POETRY, facts)
  return withPip(facts)
}

function isUvWorkspace(manifest: JsonObject | undefined): boolean {
  return objectAt(manifest, 'tool', 'uv')['workspace'] !== undefined
}

/** What uv and poetry have in common: one tool that installs by its own lockfile, packages, and runs the tests. */
type Manager = {
  name: 'uv' | 'poetry'
  lock: string
  install(locked: boolean): string[]
  build: string[]
  run: string[]
}
const UV: Manager = {
  name: 'uv',
  lock: 'uv.lock',
  install: (locked) => ['sync', ...(locked ? ['--frozen'] : [])],
  build: ['build', '--offline'],
  run: ['run', '--no-sync'],
}
const POETRY: Manager = {
  name: 'poetry',
  lock: 'poetry.lock',
  install: () => ['install', '--no-interaction'],
  build: ['build', '--no-interaction'],
  run: ['run'],
}

function withManager({ name, lock, install, build, run }: Manager, { folder, manifest, packaged, tool }: Facts): Project {
  const locked = folder.names.has(lock)
  const reason = locked ? lock : `pyproject.toml has [tool.${name}]`
  return project(
    folder,
    {
      ecosystem: name,
      reason,
      tools: [
        tool,
        toolFrom(
          name,
          reason,
          pinOf(folder, [], [name]),
          saidBy('pyproject.toml', textAt(manifest, 'tool', name, name === 'uv' ? 'required-version' : 'requires-poetry')),
        ),
      ],
      lock: locked ? lock : 'pyproject.toml',
      packaged,
    },
    {
      install: [{ argv: [name, ...install(locked)], reason }],
      build: packaged ? [{ argv: [name, ...build], reason: 'pyproject.toml has a build-system' }] : [],
      test: testsOf(folder, manifest, [name, ...run, 'python']),
    },
  )
}

function withPip({ folder, manifest, packaged, tool }: Facts): Project {
  const pip = ['.venv/bin/python', '-m', 'pip']
  const requirements = ['requirements.txt', 'requirements-dev.txt', 'dev-requirements.txt'].filter((name) => folder.names.has(name))
  const runner = needsPytest(folder, manifest)
  const listed = requirements.some((name) => /^\s*pytest\b/m.test(folder.read(name) ?? ''))
  const reason =
    requirements[0] ?? (manifest === undefined ? (firstOf(folder, ['setup.py', 'setup.cfg', 'Pipfile']) ?? '') : 'pyproject.toml')
  const installs = [
    { argv: ['python3', '-m', 'venv', '.venv'], reason },
    ...requirements.map((name) => ({ argv: [...pip, 'install', '-r', name], reason: name })),
    // Editable: tests import what is in the work tree. Its build tools are fetched along.
    ...(packaged || manifest?.['project'] !== undefined ? [{ argv: [...pip, 'install', 'setuptools', 'wheel', '-e', '.'], reason }] : []),
    ...(runner && !listed ? [{ argv: [...pip, 'install', 'pytest'], reason: 'the tests are written for pytest' }] : []),
  ]
  return project(
    folder,
    { ecosystem: 'pip', reason, tools: [tool], lock: reason, packaged },
    {
      install: installs,
      build: packaged
        ? [{ argv: [...pip, 'wheel', '--no-deps', '--no-build-isolation', '-w', 'dist', '.'], reason: 'the project can be packaged' }]
        : [],
      test: testsOf(folder, manifest, ['.venv/bin/python']),
    },
  )
}

function project(
  folder: Folder,
  { ecosystem, reason, tools, lock, packaged }: { ecosystem: string; reason: string; tools: Tool[]; lock: string; packaged: boolean },
  phases: Parameters<typeof stepsOf>[1],
): Project {
  return {
    ecosystem,
    dir: folder.path,
    reason,
    tools,
    steps: stepsOf(folder, phases),
    artifacts: packaged ? [within(folder, 'dist/*.whl'), within(folder, 'dist/*.tar.gz')] : [],
    lockFiles: [within(folder, lock)],
    caches: [within(folder, '.venv')],
  }
}

/** @param python the words that start the project's own interpreter */
function testsOf(folder: Folder, manifest: JsonObject | undefined, python: string[]): { argv: string[]; reason: string }[] {
  if (needsPytest(folder, manifest)) return [{ argv: [...python, '-m', 'pytest'], reason: 'tests for pytest' }]
  const tests =
    ['tests', 'test'].find((name) => folder.names.has(`${name}/`)) ?? (anyName(folder, /^test_.*\.py$/) === undefined ? undefined : '.')
  return tests === undefined ? [] : [{ argv: [...python, '-m', 'unittest', 'discover', '-s', tests], reason: `tests in ${tests}` }]
}

function needsPytest(folder: Folder, manifest: JsonObject | undefined): boolean {
  if (firstOf(folder, ['pytest.ini', 'conftest.py', 'tox.ini']) !== undefined || folder.has('tests/conftest.py')) return true
  if (objectAt(manifest, 'tool')['pytest'] !== undefined) return true
  const named = [
    folder.read('pyproject.toml'),
    folder.read('requirements.txt'),
    folder.read('requirements-dev.txt'),
    folder.read('setup.cfg'),
  ]
  return named.some((text) => /\bpytest\b/.test(text ?? ''))
}

function interpreter(folder: Folder, manifest: JsonObject | undefined, file: string): Tool {
  const range = textAt(manifest, 'project', 'requires-python') ?? textAt(manifest, 'tool', 'poetry', 'dependencies', 'python')
  const pipfile = objectAt(readToml(folder, 'Pipfile'), 'requires')
  return toolFrom(
    'python3',
    file,
    pinOf(folder, ['.python-version'], ['python']),
    // As Heroku and its kin read it: python-3.11.4
    saidBy('runtime.txt', /^python-(\d[\d.]*)/m.exec(folder.read('runtime.txt') ?? '')?.[1]),
    saidBy('pyproject.toml', range),
    saidBy('Pipfile', textAt(pipfile, 'python_full_version') ?? textAt(pipfile, 'python_version')),
  )
}
