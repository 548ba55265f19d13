// More layouts: the compiled languages, native code, task runners, and mixtures of all of them.
import type { Layout } from './layouts.ts'

const scripts = (names: Record<string, string>): string => JSON.stringify({ name: 'x', scripts: names })
const BUILD_AND_TEST = scripts({ build: 'tsc', test: 'vitest run' })

export const MORE_LAYOUTS: readonly Layout[] = [
  {
    name: 'maven',
    files: { 'pom.xml': '<project><properties><maven.compiler.release>21</maven.compiler.release></properties></project>' },
    steps: ['mvn -B -ntp -Dmaven.test.failure.ignore=true package', 'mvn -B -ntp -o package -DskipTests', 'mvn -B -ntp -o test'],
    tools: ['java >=21', 'mvn'],
  },
  {
    name: 'maven with its wrapper',
    files: { 'pom.xml': '<project/>', mvnw: '' },
    steps: ['./mvnw -B -ntp -Dmaven.test.failure.ignore=true package', './mvnw -B -ntp -o package -DskipTests', './mvnw -B -ntp -o test'],
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
