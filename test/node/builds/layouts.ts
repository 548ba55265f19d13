// Repository layouts as they are found in the wild, with the commands that a careful person would run in each.
type Layout = { name: string; files: Record<string, string>; steps: string[]; tools?: string[]; passedOver?: string[] }

const scripts = (names: Record<string, string>): string => JSON.stringify({ name: 'x', scripts: names })
const BUILD_AND_TEST = scripts({ build: 'tsc', test: 'vitest run' })

export const LAYOUTS: readonly Layout[] = [
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
  {
    name: 'maven',
    files: { 'pom.xml': '<project><properties><maven.compiler.release>21</maven.compiler.release></properties></project>' },
    steps: ['mvn -B -ntp dependency:go-offline', 'mvn -B -ntp -o package -DskipTests', 'mvn -B -ntp -o test'],
    tools: ['java >=21', 'mvn'],
  },
  {
    name: 'maven with its wrapper',
    files: { 'pom.xml': '<project/>', mvnw: '' },
    steps: ['./mvnw -B -ntp dependency:go-offline', './mvnw -B -ntp -o package -DskipTests', './mvnw -B -ntp -o test'],
    tools: ['java'],
  },
  {
    name: 'gradle with its wrapper',
    files: { 'build.gradle.kts': 'java { toolchain { languageVersion = JavaLanguageVersion.of(17) } }', gradlew: '' },
    steps: [
      './gradlew --no-daemon --console=plain dependencies',
      './gradlew --no-daemon --console=plain assemble',
      './gradlew --no-daemon --console=plain check',
    ],
    tools: ['java >=17'],
  },
  {
    name: '.NET',
    files: { 'App.sln': '', 'App/App.csproj': '', 'global.json': '{"sdk":{"version":"9.0.100"}}' },
    steps: ['dotnet restore', 'dotnet build --no-restore -c Release', 'dotnet test --no-build -c Release'],
    tools: ['dotnet 9.0.100'],
  },
  {
    name: 'ruby with rspec',
    files: { Gemfile: 'ruby "3.3.0"\n', 'Gemfile.lock': '', 'spec/a_spec.rb': '' },
    steps: ['bundle install', 'bundle exec rspec'],
    tools: ['ruby 3.3.0', 'bundle'],
  },
  {
    name: 'composer with phpunit',
    files: { 'composer.json': '{"require":{"php":">=8.2"}}', 'composer.lock': '', 'phpunit.xml.dist': '' },
    steps: ['composer install --no-interaction', 'vendor/bin/phpunit'],
    tools: ['php >=8.2', 'composer'],
  },
  {
    name: 'zig',
    files: { 'build.zig': 'const t = b.step("test", "Run tests");', 'build.zig.zon': '.{ .minimum_zig_version = "0.14.0" }' },
    steps: ['zig build --fetch', 'zig build', 'zig build test'],
    tools: ['zig >=0.14.0'],
  },
  { name: 'a nix flake', files: { 'flake.nix': '', 'flake.lock': '' }, steps: ['nix build', 'nix flake check'] },
  {
    name: 'cmake with tests',
    files: { 'CMakeLists.txt': 'cmake_minimum_required(VERSION 3.20)\nadd_executable(app main.c)\nenable_testing()\n' },
    steps: [
      'cmake -S . -B build -DCMAKE_BUILD_TYPE=Release',
      'cmake --build build --parallel',
      'ctest --test-dir build --output-on-failure',
    ],
    tools: ['cmake >=3.20', 'cc'],
  },
  {
    name: 'meson',
    files: { 'meson.build': "executable('app', 'main.c')\ntest('t', e)\n" },
    steps: ['meson setup build --buildtype=release', 'meson compile -C build', 'meson test -C build'],
  },
  { name: 'autotools as released', files: { configure: '', 'Makefile.in': '' }, steps: ['./configure', 'make', 'make check'] },
  {
    name: 'autotools from git',
    files: { 'configure.ac': '', 'Makefile.am': '' },
    steps: ['autoreconf --install', './configure', 'make', 'make check'],
  },
  {
    name: 'a Makefile with targets',
    files: { Makefile: 'CC := gcc\nall: app\napp: main.c\n\t$(CC) -o app main.c\ntest: app\n\t./app\n.PHONY: all test\n', 'main.c': '' },
    steps: ['make all', 'make test'],
    tools: ['make', 'cc'],
  },
  {
    name: 'just',
    files: { justfile: 'set shell := ["bash", "-c"]\nbuild:\n  echo\ntest arg="x":\n  echo\n' },
    steps: ['just build', 'just test'],
  },
  { name: 'a Dockerfile alone', files: { Dockerfile: 'FROM scratch\n' }, steps: ['docker build -f Dockerfile .'], tools: ['docker'] },
  { name: 'a static site', files: { 'index.html': '', 'style.css': '', 'img/a.png': '' }, steps: [] },
  { name: 'only prose', files: { 'README.md': '', 'docs/index.html': '' }, steps: [] },
  {
    name: 'a Makefile and a Dockerfile beside go: the module leads',
    files: { 'go.mod': 'module x\n', Makefile: 'build:\n', Dockerfile: '' },
    steps: ['go mod download', 'go build ./...', 'go test ./...'],
    passedOver: ['Makefile', 'Dockerfile'],
  },
  {
    name: 'rust behind a node package: both, rust first',
    files: { 'Cargo.toml': '[package]\nname="a"\n', 'package.json': BUILD_AND_TEST, 'package-lock.json': '{}' },
    steps: ['cargo fetch', 'npm ci', 'cargo build --release --offline', 'npm run build', 'cargo test --offline', 'npm test'],
  },
  {
    name: 'python with a package.json that only formats',
    files: { 'requirements.txt': '', 'tests/test_a.py': '', 'package.json': JSON.stringify({ scripts: { format: 'prettier' } }) },
    steps: [
      'python3 -m venv .venv',
      '.venv/bin/python -m pip install -r requirements.txt',
      '.venv/bin/python -m unittest discover -s tests',
    ],
  },
  {
    name: 'server and client side by side, nothing at the root',
    files: {
      'server/go.mod': 'module s\n',
      'client/package.json': BUILD_AND_TEST,
      'client/package-lock.json': '{}',
      'examples/x/package.json': BUILD_AND_TEST,
    },
    steps: [
      'client: npm ci',
      'server: go mod download',
      'client: npm run build',
      'server: go build ./...',
      'client: npm test',
      'server: go test ./...',
    ],
  },
  {
    name: 'a package with a second one below it that is no workspace',
    files: { 'package.json': BUILD_AND_TEST, 'website/package.json': BUILD_AND_TEST },
    steps: ['npm install', 'npm run build', 'npm test'],
    passedOver: ['website'],
  },
  { name: 'a broken package.json', files: { 'package.json': '{ "scripts": ' }, steps: ['npm install'] },
]
