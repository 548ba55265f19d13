// The machine's own git, where there is one, for the two parts that it does faster: bringing the pack and writing the files. What
// to fetch, and every refusal, is settled before by the same code as without it, so that both engines give the same results.
import { NimbusError } from '../kernel/errors.ts'
import { execFileQuietly, type RanCommand } from '../runner/commands/run-command.ts'
import type { Target } from './ask-server.ts'
import type { FetchedTree, FetchStep } from './fetch-tree.ts'

export type SystemOrder = {
  gitFile: string
  dir: string
  receivedBytesMax: number
  treeBytesMax: number
  target: Target
}

/** No configuration of the machine or its user, no hooks, no helpers, no other transport, no question. */
const HARDENED = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.autocrlf=false',
  'core.symlinks=true',
  'core.protectHFS=true',
  'core.protectNTFS=true',
  'credential.helper=',
  'fetch.unpackLimit=1',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
  'protocol.version=2',
  'init.defaultBranch=main',
  'advice.detachedHead=false',
  'http.followRedirects=false',
].flatMap((setting) => ['-c', setting])
const ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ALLOW_PROTOCOL: 'http:https',
  GIT_PROTOCOL_FROM_USER: '0',
  GIT_LFS_SKIP_SMUDGE: '1',
}
const PASSED_ON = /^(https?_proxy|no_proxy|SSL_CERT_FILE|GIT_SSL_CAINFO)$/i
/** Names of a listing of ten million files fit; more is a bomb. */
const LISTING_BYTES_MAX = 256 * 1024 * 1024

export async function fetchWithSystemGit(order: SystemOrder, onProgress: (step: FetchStep) => void): Promise<FetchedTree> {
  const { dir, target } = order
  const git = (args: readonly string[], onError?: (text: string) => void): Promise<RanCommand> =>
    execFileQuietly(order.gitFile, [...HARDENED, '-C', dir, ...args], {
      env: { ...ENVIRONMENT, ...passedOn() },
      outputBytesMax: LISTING_BYTES_MAX,
      ...(onError === undefined ? {} : { onError }),
    })
  const must = async (args: readonly string[], onError?: (text: string) => void): Promise<string> => {
    const { exitCode, stdout, stderr } = await git(args, onError)
    if (exitCode === 0) return stdout
    throw faultOf(stderr)
  }
  await execFileQuietly('/bin/mkdir', ['-p', '--', dir], { env: ENVIRONMENT, outputBytesMax: 1024 })
  await must(['init', '-q', '--template='])
  await must(['remote', 'add', '--', 'origin', target.url])
  const watch = progressReader(order.receivedBytesMax, onProgress)
  const fetch = ['fetch', '--progress', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head']
  if (target.branch !== undefined)
    await must([...fetch, '--depth=1', 'origin', `+refs/heads/${target.branch}:refs/remotes/origin/${target.branch}`], watch)
  else if (target.ref !== undefined) await must([...fetch, '--depth=1', 'origin', `+${target.ref}:${target.ref}`], watch)
  else {
    const one = await git([...fetch, '--depth=1', 'origin', target.commit], watch)
    // Some servers give out a single commit; from the others everything is fetched to find it.
    if (one.exitCode !== 0) await must([...fetch, 'origin', '+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'], watch)
  }
  // The branch may have moved since the server was asked.
  const wanted = target.branch === undefined ? (target.ref ?? target.commit) : `refs/remotes/origin/${target.branch}`
  const commit = (await mustFind(git, `${wanted}^{commit}`)).trim()
  await assertFits(must, commit, order.treeBytesMax)
  if (target.branch === undefined) await must(['checkout', '-q', '-f', '--detach', commit])
  else await must(['checkout', '-q', '-f', '--no-track', '-B', target.branch, commit])
  return target.branch === undefined ? { commit } : { commit, branch: target.branch }
}

async function mustFind(git: (args: readonly string[]) => Promise<RanCommand>, name: string): Promise<string> {
  const { exitCode, stdout } = await git(['rev-parse', '--verify', '--quiet', '--end-of-options', name])
  if (exitCode === 0) return stdout
  throw new NimbusError('repo-ref-not-found', 'not among what the server gave')
}

/** A small pack may name one large file ten thousand times: what would be written is counted before it is. */
async function assertFits(must: (args: readonly string[]) => Promise<string>, commit: string, bytesMax: number): Promise<void> {
  const listing = await must(['ls-tree', '-r', '-l', '-z', '--full-tree', commit])
  let bytes = 0
  for (const line of listing.split('\0')) bytes += Number(/^\S+ \S+ \S+ +(\d+)\t/.exec(line)?.[1] ?? 0)
  if (bytes <= bytesMax) return
  throw new NimbusError('repo-too-large', `The clone was ended, because its files take more than ${bytesMax} bytes.`, {
    kind: 'refused',
    cure: 'Raise the limit for clones, or make the repository smaller.',
  })
}

/** Reads git's own words: `Receiving objects:  45% (9/20), 1.2 MiB | 3 MiB/s`. */
function progressReader(receivedBytesMax: number, onProgress: (step: FetchStep) => void): (text: string) => void {
  return (text) => {
    for (const line of text.split(/[\r\n]/)) {
      const [, phase, loaded, total] = /^(?:remote: )?([A-Z][a-z]+(?: [a-z]+)?):\s+\d+% \((\d+)\/(\d+)\)/.exec(line) ?? []
      if (phase === undefined) continue
      const [, amount, unit] = /, ([\d.]+) (bytes|KiB|MiB|GiB)/.exec(line) ?? []
      const bytes = Number(amount ?? 0) * { bytes: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit ?? 'bytes']!
      if (bytes > receivedBytesMax)
        throw new NimbusError('repo-too-large', `The clone was ended, because the server sent more than ${receivedBytesMax} bytes.`, {
          kind: 'refused',
          cure: 'Raise the limit for clones, or make the repository smaller.',
        })
      onProgress({ phase, loaded: Number(loaded), total: Number(total) })
    }
  }
}

function faultOf(stderr: string): Error {
  const line = stderr.split('\n').find((one) => /^(error|fatal): /.test(one)) ?? stderr.trim().split('\n').at(-1) ?? ''
  const words = line.replace(/^(error|fatal): /, '').slice(0, 300)
  if (/invalid path|unable to create file|refusing to/.test(words))
    return new NimbusError(
      'repo-unsafe-tree',
      `The repository was refused, because one of its entries has a name that could reach outside it: ${words}.`,
      { kind: 'refused', cure: 'Remove it from the repository.' },
    )
  return new Error(words)
}

function passedOn(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).filter(([name, value]) => PASSED_ON.test(name) && value !== undefined)) as Record<
    string,
    string
  >
}
