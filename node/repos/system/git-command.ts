// The machine's git, hardened: no configuration of the machine or its user, no hooks, no helpers, no question, and no transport but
// the one that is named. Everything in this room that runs git runs it through here.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NimbusError } from '../../kernel/errors.ts'
import { execFileQuietly, type RanCommand } from '../../runner/commands/run-command.ts'

/** How git reaches what it fetches from. `configFd` is an open file of further settings: it holds credentials, and is read as `/dev/fd/3`. */
export type GitAccess = { protocols: string; env?: Readonly<Record<string, string>>; configFd?: number }
export type GitOptions = { onError?: (text: string) => void; input?: string; env?: Readonly<Record<string, string>>; signal?: AbortSignal }
export type Git = {
  run(args: readonly string[], options?: GitOptions): Promise<RanCommand>
  /** Its output; throws what git said where it failed. */
  must(args: readonly string[], options?: GitOptions): Promise<string>
}

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
  GIT_PROTOCOL_FROM_USER: '0',
  GIT_LFS_SKIP_SMUDGE: '1',
}
const PASSED_ON = /^(https?_proxy|no_proxy|SSL_CERT_FILE|GIT_SSL_CAINFO)$/i
/** Names of a listing of ten million files fit; more is a bomb. */
const LISTING_BYTES_MAX = 256 * 1024 * 1024
const NOWHERE: GitAccess = { protocols: 'none' }

/** @param dir where it runs; it need not be there for `init` */
export function createGit(gitFile: string, dir: string, access: GitAccess = NOWHERE): Git {
  const run: Git['run'] = (args, { onError, input, env, signal } = {}) =>
    execFileQuietly(gitFile, [...HARDENED, '-C', dir, ...args], {
      env: {
        ...ENVIRONMENT,
        ...passedOn(),
        GIT_ALLOW_PROTOCOL: access.protocols,
        ...access.env,
        ...env,
        ...(access.configFd === undefined ? {} : { GIT_CONFIG_GLOBAL: '/dev/fd/3' }),
      },
      outputBytesMax: LISTING_BYTES_MAX,
      ...(onError === undefined ? {} : { onError }),
      ...(input === undefined ? {} : { input }),
      ...(signal === undefined ? {} : { signal }),
      ...(access.configFd === undefined ? {} : { fd: access.configFd }),
    })
  return {
    run,
    async must(args, options) {
      const { exitCode, stdout, stderr } = await run(args, options)
      if (exitCode === 0) return stdout
      throw gitFault(stderr)
    },
  }
}

/** What git said, in one line; an entry that git would not write is a refusal by name. */
export function gitFault(stderr: string): Error {
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

/** Where `git-remote-nimbus` is: git finds it by the PATH. It is a script for Node: this one, whichever the machine would take. */
const REMOTE_HELPER_DIR = fileURLToPath(new URL('../../bin', import.meta.url))
export const MESH_PATH = [REMOTE_HELPER_DIR, dirname(process.execPath), '/usr/local/bin:/usr/bin:/bin'].join(':')

/** To repositories that the mesh hosts, through the node of this data folder. */
export function meshAccess(dataDir: string): GitAccess {
  return { protocols: 'nimbus', env: { PATH: MESH_PATH, NIMBUS_DATA: dataDir } }
}
