// The sandbox of one session: how its agent, and git in its work tree, are started. Without a sandbox nothing starts, unless the
// session was published with `sandbox: none` by name and this worker accepts it.
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { findTool } from '../../runner/commands/find-tools.ts'
import { runPiped } from '../../runner/piped/run-piped.ts'
import { runStep, type StepEnd } from '../../runner/commands/run-step.ts'
import { sandboxArgv } from '../../runner/commands/sandbox.ts'
import { toolHomes } from '../../runner/tools/tool-homes.ts'
import type { AgentPipe, LaunchOrder } from '../driver.ts'
import type { Places } from './notes/host-order.ts'

const BRIDGE = fileURLToPath(new URL('../../runner/piped/bridge-main.ts', import.meta.url))
const GIT_MS_MAX = 120_000

export type Enclosure = {
  launch(order: LaunchOrder): AgentPipe
  /** Git on a used work tree: only in here, without network, hooks and the agent's folders. */
  git(args: readonly string[], writable?: readonly string[]): Promise<StepEnd>
  /** A fixed script of ours in the work tree, with arguments; `writable` and `readable` beside the tree. */
  script(text: string, args: readonly string[], beside: { writable: readonly string[]; readable?: readonly string[] }): Promise<StepEnd>
}

export type EnclosureOptions = {
  clock: Clock
  places: Places
  tier: 'process' | 'none'
  /** Where the gate listens: a socket, or HOST:PORT without a sandbox. */
  gate: string
  environment: Readonly<Record<string, string | undefined>>
  /** Variables of everything that runs in the session. */
  given: Readonly<Record<string, string>>
}

export function createEnclosure({ clock, places, tier, gate, environment, given }: EnclosureOptions): Enclosure {
  const path = environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'
  const bwrap = tier === 'none' ? undefined : requireBubblewrap(path)
  const tools = [...Object.values(toolHomes({ ...environment })), ...foldersOf(path)]
  const runInTree = (argv: readonly string[], writable: readonly string[], readable: readonly string[]): Promise<StepEnd> => {
    const env = { ...given, PATH: path, HOME: '/tmp', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C.UTF-8' }
    const words =
      bwrap === undefined
        ? argv
        : sandboxArgv({ bwrap, argv, cwd: places.tree, env, network: false, writable: [places.tree, ...writable], readable })
    return runStep(clock, {
      argv: words,
      cwd: places.tree,
      env: bwrap === undefined ? env : { PATH: path },
      timeoutMs: GIT_MS_MAX,
      onOutput: () => {},
    })
  }
  return {
    launch({ argv, env, readable, onLine, onLongLine }) {
      const all = { ...given, ...proxyVariables(), ...env }
      if (bwrap === undefined) {
        const open = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, value.replaceAll('{gate}', gate)]))
        return runPiped({ argv, cwd: places.tree, env: open, onLine, onLongLine })
      }
      const words = sandboxArgv({
        bwrap,
        argv: [process.execPath, BRIDGE, gate, ...argv],
        cwd: places.tree,
        env: all,
        network: false,
        writable: [places.tree, places.home, places.config],
        readable: [...new Set([...tools, dirname(process.execPath), BRIDGE, dirname(gate), ...readable])].filter((file) =>
          existsSync(file),
        ),
      })
      return runPiped({ argv: words, cwd: places.tree, env: { PATH: path }, onLine, onLongLine })
    },
    git(args, writable = []) {
      const git = findTool('git', path)
      if (git === undefined)
        throw new NimbusError('git-missing', 'There is no git on this worker.', { kind: 'missing', cure: 'apt-get install git' })
      const argv = [git, '-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', 'gc.auto=0', ...args]
      return runInTree(argv, writable, [])
    },
    script: (text, args, { writable, readable = [] }) => runInTree(['/bin/sh', '-c', text, 'sh', ...args], writable, readable),
  }
}

/** So that a call to any other host meets a refusal that is recorded, instead of a network that is not there. */
function proxyVariables(): Record<string, string> {
  const proxy = 'http://{gate}'
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']
  const direct = '127.0.0.1,localhost'
  return { ...Object.fromEntries(names.map((name) => [name, proxy])), NO_PROXY: direct, no_proxy: direct }
}

function requireBubblewrap(path: string): string {
  const found = findTool('bwrap', path)
  if (found !== undefined) return found
  throw new NimbusError('no-sandbox', 'There is no bubblewrap on this worker, and a session does not run without a sandbox.', {
    kind: 'refused',
    cure: 'Install it (apt-get install bubblewrap), or name it yourself: nimbus session start --sandbox none.',
  })
}

/** Folders of the path that are not the system's own: tools that work may need. */
function foldersOf(path: string): string[] {
  return path.split(':').filter((folder) => folder.startsWith('/') && !/^\/(usr|bin|sbin|lib)/.test(folder))
}
