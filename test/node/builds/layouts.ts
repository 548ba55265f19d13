// Repository layouts as they are found in the wild, with the commands that a careful person would run in each.
export type Layout = { name: string; files: Record<string, string>; steps: string[]; tools?: string[]; passedOver?: string[] }

const scripts = (names: Record<string, string>): string => JSON.stringify({ name: 'x', scripts: names })
const BUILD_AND_TEST = scripts({ build: 'tsc', test: 'vitest run' })

export const SCRIPTING_LAYOUTS: readonly Layout[] = [
  {
    name: 'npm with a lockfile',
    files: { 'package.json': BUILD_AND_TEST, 'package-lock.json': '{}' },
    steps: ['npm ci', 'npm run build', 'npm test'],
    tools: ['node', 'npm'],
  },
  { name: 'npm without a lockfile', files: { 'package.json': BUILD_AND_TEST }, steps: ['npm install', 'npm run build', 'npm test'] },
  {
    name: 'npm init and nothing else',
    files: { 'package.json': scripts({ test: 'echo "Error: no test specified" && exit 1' }) },
    steps: ['npm install'],
  },
  {
    name: 'pnpm',
    files: { 'package.json': BUILD_AND_TEST, 'pnpm-lock.yaml': '' },
    steps: ['pnpm install --frozen-lockfile', 'pnpm run build', 'pnpm run test'],
  },
  {
    name: 'yarn 1',
    files: { 'package.json': BUILD_AND_TEST, 'yarn.lock': '# yarn lockfile v1\n' },
    steps: ['yarn install --frozen-lockfile', 'yarn run build', 'yarn run test'],
  },
  {
    name: 'yarn 4',
    files: { 'package.json': BUILD_AND_TEST, 'yarn.lock': '__metadata:\n  version: 8\n', '.yarnrc.yml': '' },
    steps: ['yarn install --immutable', 'yarn run build', 'yarn run test'],
  },
  {
    name: 'bun',
    files: { 'package.json': BUILD_AND_TEST, 'bun.lock': '' },
    steps: ['bun install --frozen-lockfile', 'bun run build', 'bun run test'],
    tools: ['bun'],
  },
  {
    name: 'two lockfiles, and packageManager decides',
    files: {
      'package.json': JSON.stringify({ packageManager: 'pnpm@9.1.0', scripts: { build: 'x' } }),
      'package-lock.json': '{}',
      'pnpm-lock.yaml': '',
    },
    steps: ['pnpm install --frozen-lockfile', 'pnpm run build'],
    tools: ['node', 'pnpm 9.1.0'],
  },
  {
    name: 'the version of Node by .nvmrc',
    files: { 'package.json': scripts({}), '.nvmrc': 'v22.3.0\n' },
    steps: ['npm install'],
    tools: ['node 22.3.0', 'npm'],
  },
  {
    name: 'the version of Node by engines',
    files: { 'package.json': JSON.stringify({ engines: { node: '>=20' } }) },
    steps: ['npm install'],
    tools: ['node >=20', 'npm'],
  },
  {
    name: 'an npm workspace: the root builds for its packages',
    files: {
      'package.json': JSON.stringify({ workspaces: ['packages/*'], scripts: { test: 'x' } }),
      'package-lock.json': '{}',
      'packages/a/package.json': BUILD_AND_TEST,
    },
    steps: ['npm ci', 'npm test'],
    passedOver: [],
  },
  {
    name: 'deno',
    files: { 'deno.json': '{"tasks":{"build":"x"}}', 'deno.lock': '{}' },
    steps: ['deno install --frozen', 'deno task build', 'deno test'],
  },
  {
    name: 'a crate',
    files: { 'Cargo.toml': '[package]\nname = "a"\n', 'Cargo.lock': '', 'src/main.rs': '' },
    steps: ['cargo fetch --locked', 'cargo build --release --offline', 'cargo test --offline'],
  },
  {
    name: 'a cargo workspace with a toolchain file',
    files: {
      'Cargo.toml': '[workspace]\nmembers = ["a"]\n',
      'a/Cargo.toml': '[package]\nname = "a"\n',
      'rust-toolchain.toml': '[toolchain]\nchannel = "1.80"\n',
    },
    steps: ['cargo fetch', 'cargo build --release --offline --workspace', 'cargo test --offline --workspace'],
    tools: ['cargo 1.80'],
  },
  {
    name: 'a go module',
    files: { 'go.mod': 'module x\n\ngo 1.22\n', 'go.sum': '', 'main.go': '' },
    steps: ['go mod download', 'go build ./...', 'go test ./...'],
    tools: ['go >=1.22'],
  },
  { name: 'a vendored go module', files: { 'go.mod': 'module x\n', 'vendor/modules.txt': '' }, steps: ['go build ./...', 'go test ./...'] },
  {
    name: 'a go workspace',
    files: { 'go.work': 'go 1.22\n\nuse (\n\t./api\n\t./cli // the tool\n)\n', 'api/go.mod': 'module api', 'cli/go.mod': 'module cli' },
    steps: ['go mod download', 'go build ./api/... ./cli/...', 'go test ./api/... ./cli/...'],
  },
  {
    name: 'uv',
    files: {
      'pyproject.toml': '[project]\nname="x"\nrequires-python=">=3.11"\n[build-system]\nrequires=[]\n[dependency-groups]\ndev=["pytest"]\n',
      'uv.lock': '',
    },
    steps: ['uv sync --frozen', 'uv build --offline', 'uv run --no-sync python -m pytest'],
    tools: ['python3 >=3.11', 'uv'],
  },
  {
    name: 'poetry',
    files: {
      'pyproject.toml': '[tool.poetry]\nname="x"\n[build-system]\nrequires=["poetry-core"]\n',
      'poetry.lock': '',
      'tests/test_a.py': '',
    },
    steps: ['poetry install --no-interaction', 'poetry build --no-interaction', 'poetry run python -m unittest discover -s tests'],
  },
  {
    name: 'pip with requirements',
    files: { 'requirements.txt': 'flask\npytest\n', 'app.py': '', 'tests/test_a.py': '' },
    steps: ['python3 -m venv .venv', '.venv/bin/python -m pip install -r requirements.txt', '.venv/bin/python -m pytest'],
  },
  {
    name: 'a setup.py',
    files: { 'setup.py': '', 'x/__init__.py': '' },
    steps: [
      'python3 -m venv .venv',
      '.venv/bin/python -m pip install setuptools wheel -e .',
      '.venv/bin/python -m pip wheel --no-deps --no-build-isolation -w dist .',
    ],
  },
  {
    name: 'a pyproject.toml that only configures a linter',
    files: { 'pyproject.toml': '[tool.ruff]\nline-length = 100\n', Makefile: 'all:\n\ttrue\n' },
    steps: ['make all'],
  },
]
