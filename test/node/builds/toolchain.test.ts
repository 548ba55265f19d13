// Which file of a repository decides the version of a tool, and what that file means; and that a worker's version is compared as its ecosystem does.
import { expect, test } from 'vitest'
import { detect } from '../../../node/builds/detect.ts'
import { meetsNeed } from '../../../protocols/tasks/tool-needs.ts'
import { listedTree } from './listed-tree.ts'

const NODE = { 'package.json': '{"engines":{"node":">=18"}}' }
const GO = { 'go.mod': 'module a\n\ngo 1.21\n\ntoolchain go1.22.3\n' }
const RUST = { 'Cargo.toml': '[package]\nname = "a"\nrust-version = "1.70"\n', 'Cargo.lock': '' }
const PYTHON = { 'pyproject.toml': '[project]\nname = "a"\nrequires-python = ">=3.9"\n' }
const JAVA = { 'pom.xml': '<project><properties><java.version>17</java.version></properties></project>' }

/** Files, the tool, what is asked of it and by which file; a version that will do, and one that will not. */
const CASES: [Record<string, string>, string, string | undefined, string, string?, string?][] = [
  [NODE, 'node', '>=18', 'package.json engines', '20.1.0', '16.0.0'],
  [{ ...NODE, '.nvmrc': 'v22.3.0\n', '.node-version': '20' }, 'node', '22.3.0', '.nvmrc', '22.3.1', '22.2.0'],
  [{ ...NODE, '.nvmrc': 'lts/iron\n' }, 'node', 'lts/iron', '.nvmrc', '20.1.0'],
  [{ ...NODE, '.node-version': '20\n', '.tool-versions': 'nodejs 18.0.0\n' }, 'node', '20', '.node-version', '20.9.0', '18.0.0'],
  [
    { ...NODE, '.tool-versions': '# ours\npython 3.11\nnodejs system 18.2.0 # why\n' },
    'node',
    '18.2.0',
    '.tool-versions',
    '18.2.5',
    '20.0.0',
  ],
  [{ ...NODE, '.tool-versions': 'nodejs ref:1a2b3c\n' }, 'node', '>=18', 'package.json engines'],
  [{ ...NODE, 'mise.toml': '[tools]\nnode = "22"\n' }, 'node', '22', 'mise.toml', '22.1.0', '20.0.0'],
  [{ ...NODE, '.mise.toml': '[tools]\n"core:node" = ["latest", "20"]\n' }, 'node', '>=18', 'package.json engines'],
  [{ ...NODE, '.config/mise.toml': '[tools]\nnode = { version = "20" }\n' }, 'node', '20', '.config/mise.toml'],
  [{ ...NODE, 'mise.toml': 'broken [' }, 'node', '>=18', 'package.json engines'],
  [{ 'package.json': '{"volta":{"node":"20.5.1"},"engines":{"node":">=18"}}' }, 'node', '20.5.1', 'package.json volta'],
  [
    { 'package.json': '{"devEngines":{"runtime":[{"name":"bun"},{"name":"node","version":"^22"}]}}' },
    'node',
    '^22',
    'package.json devEngines',
  ],
  [{ 'package.json': '{"packageManager":"pnpm@10.1.0+sha512.aa"}' }, 'pnpm', '10.1.0', 'package.json packageManager', '10.1.3', '9.0.0'],
  [{ 'package.json': '{"engines":{"pnpm":">=9"}}', 'pnpm-lock.yaml': '' }, 'pnpm', '>=9', 'package.json engines'],
  [{ 'package.json': '{"engines":{"npm":"^6"}}', 'package-lock.json': '{}' }, 'npm', undefined, 'package-lock.json'],
  [{ 'package.json': '{"volta":{"yarn":"1.22.19"}}', 'yarn.lock': '' }, 'yarn', '1.22.19', 'package.json volta'],
  [{ 'package.json': '{}', 'bun.lock': '', '.bun-version': '1.2.0\n' }, 'bun', '1.2.0', '.bun-version'],
  [{ 'deno.json': '{}', '.dvmrc': '2.1.0' }, 'deno', '2.1.0', '.dvmrc'],
  [GO, 'go', '>=1.22.3', 'go.mod', '1.26.8', '1.22.1'],
  [{ 'go.mod': 'module a\n\ngo 1.21\n\ntoolchain default\n' }, 'go', '>=1.21', 'go.mod'],
  [{ ...GO, '.go-version': '1.25.1' }, 'go', '1.25.1', '.go-version', '1.25.3', '1.26.0'],
  [{ ...GO, '.tool-versions': 'golang 1.24.0' }, 'go', '1.24.0', '.tool-versions'],
  [RUST, 'cargo', '>=1.70', 'Cargo.toml rust-version', '1.95.0', '1.69.0'],
  [{ ...RUST, 'rust-toolchain': '1.75.0-x86_64-unknown-linux-gnu\n' }, 'cargo', '1.75.0', 'rust-toolchain', '1.75.1', '1.95.0'],
  [{ ...RUST, 'rust-toolchain': '[toolchain]\nchannel = "1.80"\n' }, 'cargo', '1.80', 'rust-toolchain'],
  [
    { ...RUST, 'rust-toolchain.toml': '[toolchain]\nchannel = "nightly-2026-01-31"\n' },
    'cargo',
    'nightly',
    'rust-toolchain.toml',
    '1.95.0',
  ],
  [{ ...RUST, '.tool-versions': 'rust stable' }, 'cargo', 'stable', '.tool-versions', '1.95.0'],
  [PYTHON, 'python3', '>=3.9', 'pyproject.toml', '3.11.7', '3.8.0'],
  [{ ...PYTHON, '.python-version': '# ours\n3.12.1\n3.11.0\n' }, 'python3', '3.12.1', '.python-version', '3.12.4', '3.11.0'],
  [{ ...PYTHON, 'runtime.txt': 'python-3.11.4\n' }, 'python3', '3.11.4', 'runtime.txt'],
  [{ Pipfile: '[requires]\npython_version = "3.10"\n' }, 'python3', '3.10', 'Pipfile'],
  [{ 'pyproject.toml': '[project]\nname = "a"\n[tool.uv]\nrequired-version = ">=0.5"\n', 'uv.lock': '' }, 'uv', '>=0.5', 'pyproject.toml'],
  [{ 'pyproject.toml': '[tool.poetry]\nname = "a"\nrequires-poetry = ">=2.0"\n' }, 'poetry', '>=2.0', 'pyproject.toml'],
  [JAVA, 'java', '>=17', 'pom.xml', '21.0.1', '11.0.2'],
  [{ ...JAVA, '.java-version': '1.8' }, 'java', '8', '.java-version', '8.0.292', '17.0.1'],
  [{ ...JAVA, '.java-version': 'openjdk64-1.8.0.292' }, 'java', '8.0.292', '.java-version', '8.0.300', '11.0.1'],
  [{ ...JAVA, '.tool-versions': 'java temurin-17.0.9+9\nmaven 3.9.6' }, 'java', '17.0.9+9', '.tool-versions', '17.0.11', '21.0.0'],
  [{ ...JAVA, '.tool-versions': 'maven 3.9.6' }, 'mvn', '3.9.6', '.tool-versions'],
  [{ ...JAVA, '.sdkmanrc': 'java=21.0.2-tem\nmaven=3.9.5\n' }, 'java', '21.0.2-tem', '.sdkmanrc', '21.0.5', '17.0.1'],
  [{ ...JAVA, 'system.properties': 'java.runtime.version=21\n' }, 'java', '21', 'system.properties'],
  [{ 'build.gradle': '', '.sdkmanrc': 'gradle=8.5' }, 'gradle', '8.5', '.sdkmanrc'],
  [{ Gemfile: 'ruby "3.2.0"\n' }, 'ruby', '3.2.0', 'Gemfile'],
  [{ Gemfile: 'ruby "3.2.0"\n', '.ruby-version': 'ruby-3.3.1' }, 'ruby', '3.3.1', '.ruby-version'],
  [{ 'composer.json': '{"require":{"php":"^8.1"}}', '.php-version': '8.3' }, 'php', '8.3', '.php-version'],
  [{ 'a.csproj': '', 'global.json': '{"sdk":{"version":"8.0.100"}}' }, 'dotnet', '8.0.100', 'global.json'],
  [{ 'build.zig': '', 'build.zig.zon': '.{ .minimum_zig_version = "0.13.0" }' }, 'zig', '>=0.13.0', 'build.zig.zon', '0.14.1', '0.12.0'],
  [{ 'CMakeLists.txt': 'cmake_minimum_required(VERSION 3.20...3.30)' }, 'cmake', '>=3.20', 'CMakeLists.txt', '3.25.1', '3.13.0'],
  [{ 'meson.build': "project('a', 'c', meson_version: '>= 0.60')" }, 'meson', '>= 0.60', 'meson.build', '1.0.0', '0.59.0'],
]

test.each(CASES)('%j: %s %s by %s', (files, name, version, reason, good, bad) => {
  const tool = detect(listedTree(files))
    .projects.flatMap(({ tools }) => tools)
    .find((one) => one.name === name)
  expect(tool).toEqual({ name, reason, ...(version === undefined ? {} : { version }) })
  if (good !== undefined) expect([good, meetsNeed(tool!, { [name]: good })]).toEqual([good, 'yes'])
  if (bad !== undefined) expect([bad, meetsNeed(tool!, { [name]: bad })]).toEqual([bad, 'no'])
})
