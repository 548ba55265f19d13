// Builds a work tree on this machine: the plan carried out in a sandbox, with the network for fetching and without it afterwards.
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { delimiter, join, relative, resolve } from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import { sleep } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { findTool } from '../../runner/commands/find-tools.ts'
import { runStep } from '../../runner/commands/run-step.ts'
import { sandboxArgv } from '../../runner/commands/sandbox.ts'
import { toolHomes } from '../../runner/tools/tool-homes.ts'
import type { BuildPlan } from '../plan.ts'
import type { Step } from '../project.ts'
import type { BuildReport } from './carry-out.ts'
import type { CachePort } from '../caches/cache-of-build.ts'
import { createBuildCache } from '../caches/cache-of-build.ts'
import { carryOut } from './carry-out.ts'
import { lookForTools } from './look-for-tools.ts'
import { materialsOf } from './materials.ts'

export type BuildOrder = {
  root: string
  plan: BuildPlan
  /** A folder for homes and caches of tools, writable by the build and thrown away by the caller. */
  home: string
  sandbox: 'process' | 'none'
  stepTimeoutMs: number
  /** Of each command with all that it starts. */
  memoryBytesMax?: number | undefined
  environment: Readonly<Record<string, string | undefined>>
  onOutput(stream: 'stdout' | 'stderr', piece: Uint8Array): void
  say(line: string): void
  onStep?(step: Step, done: number, all: number): void
  signal?: AbortSignal
  /** Of no use without a sandbox: what a build started might still write. */
  caches?: CachePort | undefined
}

/** The proxy and the mirrors of the machine, for the phase that fetches. */
const NETWORK_VARIABLES = /^(https?_proxy|no_proxy|npm_config_registry|pip_index_url|pip_find_links|goproxy|gosumdb)$/i
/** Tools that carry a list of authorities of their own are told to trust the machine's. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'
const AUTHORITY_VARIABLES = [
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
  'PIP_CERT',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'CARGO_HTTP_CAINFO',
]

export async function runBuild(clock: Clock, order: BuildOrder): Promise<BuildReport> {
  const { plan, root, home } = order
  const path = order.environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'
  const { versions: tools, lacking } = await lookForTools(clock, plan.tools, order.environment)
  if (lacking !== undefined) return { result: 'failed', tries: [], failure: 'missing-tool', elsewhere: true, tools, ...lacking }
  const materials = await materialsOf(root, plan.lockFiles)
  const bwrap = order.sandbox === 'process' ? requireBubblewrap(path) : undefined
  await mkdir(home, { recursive: true })
  const cache = await createBuildCache(bwrap === undefined ? undefined : order.caches, { root, home, plan, tools, say: order.say })
  await cache?.restore()
  const report = await carryOut(plan, {
    wallMs: clock.wallMs,
    say: order.say,
    ...(order.onStep === undefined ? {} : { onStep: order.onStep }),
    pause: (ms) => sleep(clock, ms),
    clean: async () => {
      for (const cache of plan.caches) await rm(insideOf(root, cache), { recursive: true, force: true })
      await rm(home, { recursive: true, force: true })
      await mkdir(home, { recursive: true })
      cache?.cleaned()
    },
    async execute(step, { parallel }) {
      await cache?.beforeStep(step)
      const env = { ...environmentOf(order, step, { path, parallel }), ...cache?.environment }
      const cwd = insideOf(root, step.dir)
      const argv =
        bwrap === undefined
          ? step.argv
          : sandboxArgv({
              bwrap,
              argv: step.argv,
              cwd,
              env,
              network: step.network,
              writable: [root, home],
              readable: readableFor(order, path),
            })
      return runStep(clock, {
        argv,
        cwd,
        env: bwrap === undefined ? env : { PATH: path },
        timeoutMs: order.stepTimeoutMs,
        memoryBytesMax: order.memoryBytesMax,
        onOutput: order.onOutput,
        ...(order.signal === undefined ? {} : { signal: order.signal }),
      })
    },
  })
  await cache?.finish(report.result === 'succeeded')
  return { ...report, ...cache?.report(), tools, materials }
}

function requireBubblewrap(path: string): string {
  const found = findTool('bwrap', path)
  if (found !== undefined) return found
  throw new NimbusError('no-sandbox', 'There is no bubblewrap on this machine, and a build does not run without a sandbox.', {
    kind: 'refused',
    cure: 'Install it (apt install bubblewrap), or name it yourself: --sandbox none.',
  })
}

function environmentOf(order: BuildOrder, step: Step, { path, parallel }: { path: string; parallel: boolean }): Record<string, string> {
  const { home, plan, environment } = order
  const jobs = parallel ? availableParallelism() : 1
  const kept = Object.entries(environment).filter(([name]) => step.network && NETWORK_VARIABLES.test(name))
  return {
    PATH: path,
    HOME: home,
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
    CI: 'true',
    // Whatever is asked beside the packages of the lockfile is no part of a build.
    npm_config_audit: 'false',
    npm_config_update_notifier: 'false',
    CARGO_HOME: join(home, '.cargo'),
    CARGO_BUILD_JOBS: String(jobs),
    CMAKE_BUILD_PARALLEL_LEVEL: String(jobs),
    MAKEFLAGS: `-j${jobs}`,
    GOFLAGS: `-p=${jobs}`,
    MAVEN_OPTS: `-Duser.home=${home}`,
    ...toolHomes(environment),
    ...(step.network && existsSync(AUTHORITIES) ? Object.fromEntries(AUTHORITY_VARIABLES.map((name) => [name, AUTHORITIES])) : {}),
    ...(Object.fromEntries(kept.filter(([, value]) => value !== undefined)) as Record<string, string>),
    ...plan.env,
  }
}

/** Where the tools of the path lie, beside the system's own folders. */
function readableFor(order: BuildOrder, path: string): string[] {
  const homes = Object.values(toolHomes(order.environment))
  const folders = path.split(delimiter).filter((folder) => folder.startsWith('/') && !/^\/(usr(?!\/local\/go)|bin|sbin|lib)/.test(folder))
  return [...new Set([...folders.map((folder) => packageOf(folder)), ...homes])].filter((folder) => existsSync(folder))
}

/** A folder of links into packages (`node_modules/.bin`) is of use only with them. */
function packageOf(folder: string): string {
  return folder.endsWith('/node_modules/.bin') ? folder.slice(0, -'/.bin'.length) : folder
}

function insideOf(root: string, dir: string): string {
  const path = resolve(root, dir)
  if (relative(root, path).startsWith('..'))
    throw new NimbusError('outside', `The step's folder ${dir} is outside the repository.`, {
      kind: 'refused',
      cure: 'Name a folder inside it.',
    })
  return path
}
