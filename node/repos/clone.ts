// Clones a repository into an empty folder, in a process of its own, within limits. Credentials reach that process through its channel.
import { readdir, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Checkout } from '../../protocols/repos/checkout.ts'
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import { findTool } from '../runner/commands/find-tools.ts'
import { runHelper } from '../runner/commands/helper-process.ts'
import type { RepoCredential } from './auth/credential.ts'
import type { TreeLook } from './check-tree.ts'
import type { CloneFault, CloneMessage, CloneOrder, Within } from './clone-main.ts'
import type { Near } from './near/near.ts'
import { meshAccess } from './system/git-command.ts'
import { type CloneProgress, createMeter } from './progress.ts'
import { checkRef, parseRepoUrl } from './repo-url.ts'

const CLONE_MAIN = fileURLToPath(new URL('./clone-main.ts', import.meta.url))

export type CloneLimits = {
  /** From the network, all answers together. */
  receivedBytesMax: number
  /** On the disk: the pack and the checked-out files. */
  treeBytesMax: number
  memoryBytesMax: number
  timeMaxMs: number
}

/** Without git on the machine: isomorphic-git needs nine times the pack in memory, so what is larger is refused before it is unpacked. */
const BUILTIN_BYTES_MAX = 64e6

const CLONE_LIMITS: CloneLimits = { receivedBytesMax: 200e6, treeBytesMax: 2e9, memoryBytesMax: 2e9, timeMaxMs: 600_000 }

/** `branch` is there where the ref was one (or the default); else the commit is checked out by itself. */
export type Cloned = { commit: string; branch?: string } & TreeLook & Within

export type GitEngine = 'auto' | 'builtin' | 'system'

export type CloneRequest = {
  url: string
  /** Branch, tag or full commit; without it the default branch. */
  ref?: string | undefined
  /** How much of it: without a word the newest commit, whole. Submodules are the caller's: `cloneWhole`. */
  checkout?: Omit<Checkout, 'submodules'> | undefined
  /** Has to be empty or absent; after a failure it is removed. */
  dir: string
  clock: Clock
  onProgress?: (progress: CloneProgress) => void
  signal?: AbortSignal
  /** `auto` takes the machine's git where there is one; results are the same. */
  engine?: GitEngine
  /** A mirror on this machine: what it has is not asked of the server again. */
  mirror?: string | undefined
  /** Who else may have it. Not asked without git on this machine. */
  near?: readonly Near[]
  credential?: RepoCredential | undefined
  /** File of the keys of SSH hosts; one that is seen for the first time is added. */
  knownHosts?: string
  /** Data folder of the node through which repositories of the mesh are reached. */
  meshDataDir?: string
  limits?: Partial<CloneLimits>
}

export async function cloneInto(request: CloneRequest): Promise<Cloned> {
  const limits = { ...CLONE_LIMITS, ...request.limits }
  const url = parseRepoUrl(request.url).href
  const ref = request.ref === undefined ? undefined : checkRef(request.ref)
  await assertEmpty(request.dir)
  const { treeBytesMax } = limits
  const { dir, credential, mirror: from, knownHosts = '/dev/null' } = request
  const gitFile = gitFor(request.engine ?? 'auto')
  const receivedBytesMax = gitFile === undefined ? Math.min(BUILTIN_BYTES_MAX, limits.receivedBytesMax) : limits.receivedBytesMax
  const mesh = request.meshDataDir === undefined ? undefined : meshAccess(request.meshDataDir)
  const which = { url, ref, dir, mirror: false, checkout: request.checkout ?? {}, from, near: request.near ?? [] }
  const order: CloneOrder = { ...which, receivedBytesMax, treeBytesMax, gitFile, credential, knownHosts, mesh }
  try {
    return await runClone(request, order, limits)
  } catch (error) {
    await rm(request.dir, { recursive: true, force: true })
    throw error
  }
}

/** `authorized`: the server wanted to know who asks. */
export type Mirrored = Pick<Cloned, 'commit' | 'branch' | 'authorized'>

/** What is kept of a whole repository may be larger than what one task may have. */
const MIRROR_LIMITS: CloneLimits = { receivedBytesMax: 5e9, treeBytesMax: 5e9, memoryBytesMax: 2e9, timeMaxMs: 3_600_000 }

/** Brings all branches and tags of a repository into a bare folder, which is made or brought up to date. Needs the machine's git. */
export async function fetchInto(request: Omit<CloneRequest, 'engine' | 'ref' | 'checkout'>): Promise<Mirrored> {
  const limits = { ...MIRROR_LIMITS, ...request.limits }
  const url = parseRepoUrl(request.url).href
  const { receivedBytesMax, treeBytesMax } = limits
  const { dir, credential, knownHosts = '/dev/null' } = request
  const gitFile = systemGit()
  const mesh = request.meshDataDir === undefined ? undefined : meshAccess(request.meshDataDir)
  const whole = { url, ref: undefined, dir, mirror: true, checkout: {}, from: undefined, near: request.near ?? [] }
  return runClone(request, { ...whole, receivedBytesMax, treeBytesMax, gitFile, credential, knownHosts, mesh }, limits)
}

/** @throws NimbusError `git-missing` */
export function systemGit(): string {
  return gitFor('system') ?? ''
}

function gitFor(engine: GitEngine): string | undefined {
  if (engine === 'builtin') return undefined
  const found = findTool('git', process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin')
  if (found !== undefined || engine === 'auto') return found
  throw new NimbusError('git-missing', 'That needs git on this machine, and it has none.', {
    kind: 'refused',
    cure: 'Install git. Tasks clone without it, too.',
  })
}

async function runClone({ clock, signal, onProgress }: CloneRequest, order: CloneOrder, limits: CloneLimits): Promise<Cloned> {
  let done: Cloned | undefined
  let fault: CloneFault | undefined
  const meter = createMeter(clock)
  const receive = (message: CloneMessage): void => {
    if ('done' in message) done = message.done
    else if ('fault' in message) fault = message.fault
    else onProgress?.(meter(message.step))
  }
  try {
    const end = await runHelper<CloneMessage>(clock, { script: CLONE_MAIN, order, limits, onMessage: receive, signal })
    if (done) return done
    if (fault)
      throw new NimbusError(fault.code, fault.message, { kind: fault.kind, ...(fault.cure === undefined ? {} : { cure: fault.cure }) })
    throw new NimbusError('clone-failed', `The clone ended without a result (exit code ${end.exitCode}, signal ${end.signal}).`, {
      cure: 'Try again; look whether this machine is short of memory.',
    })
  } catch (error) {
    throw namedEnd(error, limits)
  }
}

/** Gives the helper's limits the names and cures of a clone. */
function namedEnd(error: unknown, limits: CloneLimits): unknown {
  if (!(error instanceof NimbusError)) return error
  if (error.code === 'helper-too-long')
    return new NimbusError('clone-too-long', `The clone was ended, because it took longer than ${limits.timeMaxMs} ms.`, {
      kind: 'refused',
      cause: error,
      cure: 'Raise the time limit for clones, or try again when the host is faster.',
    })
  if (error.code === 'helper-too-large')
    return new NimbusError('repo-too-large', `The clone was ended, because it needed more than ${limits.memoryBytesMax} bytes of memory.`, {
      kind: 'refused',
      cause: error,
      cure: 'Raise the limit for clones, or make the repository smaller.',
    })
  if (error.code === 'aborted')
    return new NimbusError('clone-aborted', 'The clone was ended, because it is no longer wanted.', { cause: error })
  return error
}

async function assertEmpty(dir: string): Promise<void> {
  const entries = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (entries.length === 0) return
  throw new NimbusError('folder-not-empty', `The repository cannot be cloned into ${dir}, because that folder is not empty.`, {
    cure: 'Give an empty folder.',
  })
}
