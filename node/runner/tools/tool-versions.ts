// Which tools of builds this machine has, and in which versions. Finding one only looks; asking for its version runs it once, in the
// root folder, without an inherited environment, for a few seconds at most.
import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { Clock } from '../../kernel/clock.ts'
import { findTool } from '../commands/find-tools.ts'
import { runStep } from '../commands/run-step.ts'
import { toolHomes } from './tool-homes.ts'

/** What builds may ask for, and the words that make it tell its version where they are not `--version`. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  node: [],
  npm: [],
  pnpm: [],
  yarn: [],
  bun: [],
  deno: [],
  cargo: [],
  go: ['version'],
  zig: ['version'],
  java: ['-version'],
  mvn: ['-B', '--version'],
  gradle: [],
  dotnet: [],
  python3: [],
  uv: [],
  poetry: [],
  ruby: [],
  bundle: [],
  php: [],
  composer: [],
  cc: ['-dumpfullversion'],
  cmake: [],
  meson: [],
  ninja: [],
  make: [],
  autoreconf: [],
  just: [],
  nix: [],
  docker: [],
}
const ASK_MS_MAX = 10_000

/** Where each tool is that this machine has, by name. `stamp` changes when the program does. */
export function findKnownTools(path: string): Map<string, { file: string; stamp: string }> {
  const found = new Map<string, { file: string; stamp: string }>()
  for (const name of Object.keys(TOOLS)) {
    const file = findTool(name, path)
    const facts = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false })
    if (file !== undefined && facts !== undefined) found.set(name, { file, stamp: `${file}:${facts.size}:${Math.round(facts.mtimeMs)}` })
  }
  return found
}

/** @returns numbers with dots; empty where it tells none. A program that is not in the list is never started: what it does is not known. */
export async function askVersion(
  clock: Clock,
  name: string,
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const words = Object.hasOwn(TOOLS, name) ? TOOLS[name] : undefined
  if (words === undefined) return ''
  const { output, exitCode } = await runStep(clock, {
    argv: [file, ...(words.length === 0 ? ['--version'] : words)],
    cwd: '/',
    env: { PATH: environment['PATH'] ?? '', HOME: environment['HOME'] ?? tmpdir(), LANG: 'C.UTF-8', ...toolHomes(environment) },
    timeoutMs: ASK_MS_MAX,
    onOutput: () => {},
  })
  if (exitCode !== 0) return ''
  // Java 8 still calls itself 1.8.
  return (/\d+(?:\.\d+)+|\d+/.exec(output)?.[0] ?? '').replace(/^1\.(?=8\.)/, name === 'java' ? '' : '1.').slice(0, 32)
}
