// Projects in languages that are not compiled, and what is no program at all, each with one dependency of its registry where it has one.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MatrixProject } from './matrix-project.ts'
import { put, run } from './matrix-project.ts'

/** Changes package.json as its generator left it. */
async function withManifest(dir: string, changes: Record<string, unknown>): Promise<void> {
  const manifest = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8')) as Record<string, unknown>
  await put(dir, { 'package.json': JSON.stringify({ ...manifest, ...changes }, undefined, 2) })
}

const SCRIPTS = { scripts: { build: 'node build.js', test: 'node --test' } }
const DEPENDENT = { ...SCRIPTS, dependencies: { 'is-number': '7.0.0' } }
const NODE_FILES = {
  '.gitignore': 'node_modules/\n',
  'build.js':
    "const isNumber = require('is-number')\nrequire('fs').mkdirSync('dist', { recursive: true })\nrequire('fs').writeFileSync('dist/out.txt', String(isNumber(7)))\n",
  'test/out.test.js':
    "require('node:test')('the build is there', () => require('node:assert').equal(require('fs').readFileSync('dist/out.txt', 'utf8'), 'true'))\n",
}

async function makeNode(dir: string, lock: () => Promise<void>): Promise<void> {
  await withManifest(dir, DEPENDENT)
  await put(dir, NODE_FILES)
  await lock()
}

const nodeReasons = (manager: string, lock: string, install: string, test: string): string[] => [
  `${lock} → ${manager}`,
  `${lock} → ${install}`,
  `package.json has a script "build" → ${manager} run build`,
  `package.json has a script "test" → ${test}`,
]

export const SCRIPTING: readonly MatrixProject[] = [
  {
    name: 'npm',
    needs: [],
    async make(dir) {
      await run(dir, 'npm', 'init', '-y')
      await makeNode(dir, () => run(dir, 'npm', 'install', '--package-lock-only', '--ignore-scripts'))
    },
    reasons: nodeReasons('npm', 'package-lock.json', 'npm ci', 'npm test'),
    leaves: ['dist/out.txt'],
  },
  {
    name: 'pnpm',
    needs: ['pnpm'],
    async make(dir) {
      await run(dir, 'pnpm', 'init')
      await makeNode(dir, () => run(dir, 'pnpm', 'install', '--lockfile-only', '--ignore-scripts'))
    },
    reasons: nodeReasons('pnpm', 'pnpm-lock.yaml', 'pnpm install --frozen-lockfile', 'pnpm run test'),
    leaves: ['dist/out.txt'],
  },
  {
    name: 'yarn',
    needs: ['yarn'],
    async make(dir) {
      await run(dir, 'yarn', 'init', '-y')
      await makeNode(dir, () => run(dir, 'yarn', 'install', '--ignore-scripts', '--non-interactive'))
    },
    reasons: nodeReasons('yarn', 'yarn.lock', 'yarn install --frozen-lockfile', 'yarn run test'),
    leaves: ['dist/out.txt'],
  },
  {
    name: 'a monorepo of npm workspaces',
    needs: [],
    async make(dir) {
      await run(dir, 'npm', 'init', '-y')
      for (const name of ['words', 'app']) await run(dir, 'npm', 'init', '-y', '-w', `packages/${name}`)
      await withManifest(join(dir, 'packages/words'), {
        main: 'index.js',
        scripts: { build: 'node ../../copy.js', test: 'node --check index.js' },
      })
      await withManifest(join(dir, 'packages/app'), {
        main: 'index.js',
        dependencies: { words: '1.0.0' },
        scripts: { build: 'node ../../copy.js', test: 'node dist/index.js' },
      })
      await withManifest(dir, { scripts: { build: 'npm run build --workspaces', test: 'npm test --workspaces' } })
      await put(dir, {
        '.gitignore': 'node_modules/\n',
        'copy.js': "require('fs').mkdirSync('dist', { recursive: true })\nrequire('fs').copyFileSync('index.js', 'dist/index.js')\n",
        'packages/words/index.js': "module.exports = 'hello'\n",
        'packages/app/index.js': "require('node:assert').equal(require('words'), 'hello')\n",
      })
      await run(dir, 'npm', 'install', '--package-lock-only', '--ignore-scripts')
    },
    reasons: nodeReasons('npm', 'package-lock.json', 'npm ci', 'npm test'),
    leaves: ['packages/app/dist/index.js', 'packages/words/dist/index.js'],
  },
  {
    name: 'python with a wheel',
    needs: ['python3', 'python-venv'],
    make: (dir) =>
      put(dir, {
        'pyproject.toml':
          '[build-system]\nrequires = ["setuptools>=61"]\nbuild-backend = "setuptools.build_meta"\n\n[project]\nname = "sixpence"\nversion = "1.0.0"\nrequires-python = ">=3.9"\ndependencies = ["six==1.16.0"]\n\n[tool.setuptools]\npackages = ["sixpence"]\n',
        'sixpence/__init__.py': 'import six\n\n\ndef words():\n    return six.text_type("six")\n',
        'tests/test_words.py':
          'import unittest\n\nimport sixpence\n\n\nclass Words(unittest.TestCase):\n    def test_words(self):\n        self.assertEqual(sixpence.words(), "six")\n',
        '.gitignore': '.venv/\ndist/\nbuild/\n*.egg-info/\n',
      }),
    reasons: [
      'pyproject.toml → pip',
      'pyproject.toml → python3 -m venv .venv',
      'pyproject.toml → .venv/bin/python -m pip install setuptools wheel -e .',
      'the project can be packaged → .venv/bin/python -m pip wheel --no-deps --no-build-isolation -w dist .',
      'tests in tests → .venv/bin/python -m unittest discover -s tests',
    ],
    leaves: ['dist/sixpence-1.0.0-py3-none-any.whl'],
  },
  {
    name: 'a static site',
    needs: [],
    make: (dir) => put(dir, { 'index.html': '<!doctype html><title>Home</title>\n', 'css/site.css': 'body { margin: 0 }\n' }),
    reasons: ['index.html → static'],
    leaves: ['css/site.css', 'index.html'],
  },
  {
    name: 'one with nimbus.yaml',
    needs: [],
    make: (dir) =>
      put(dir, {
        'nimbus.yaml': 'build: sh ./make.sh\ntest: [test, -s, out/page.txt]\nartifacts: ["out/**"]\n',
        'make.sh': 'mkdir -p out && echo page > out/page.txt\n',
        'notes.txt': 'nothing that a tool is known by\n',
      }),
    reasons: ['nimbus.yaml → sh -c sh ./make.sh', 'nimbus.yaml → test -s out/page.txt'],
    leaves: ['out/page.txt'],
  },
]
