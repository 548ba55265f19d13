// The machine's git as this room runs it: on repositories of the mesh alone, without the configuration of the machine or its user,
// without hooks, without a question, and with no transport but the ones that are named.
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { MESH_PATH } from '../../repos/system/git-command.ts'
import { findTool } from '../../runner/commands/find-tools.ts'
import { type Piped, type PipedEnd, startPiped } from '../../runner/commands/piped.ts'

export type Git = {
  /** @throws NimbusError `git-missing` */
  assertThere(): void
  /** A command on this repository, streaming. */
  start(dir: string, args: readonly string[], options?: GitOptions): Piped
  /** The same to its end, its output as text. Does not throw where git fails. */
  run(dir: string, args: readonly string[], options?: GitOptions & { input?: string }): Promise<PipedEnd & { stdout: string }>
  /** Throws what git said where it fails. */
  must(dir: string, args: readonly string[], options?: GitOptions & { input?: string }): Promise<string>
}
export type GitOptions = {
  env?: Readonly<Record<string, string>>
  timeoutMs?: number
  signal?: AbortSignal
  /** Transports that the command may use, as `nimbus` or `file:https`; none where it is not said. */
  transports?: string
}

const HARDENED = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.alternateRefsCommand=/bin/true',
  'core.fsync=committed,loose-object,reference',
  'credential.helper=',
  'gc.auto=0',
  'maintenance.auto=false',
  'fetch.unpackLimit=1',
  'fetch.fsckObjects=true',
  'fetch.fsck.zeroPaddedFilemode=ignore',
  'fetch.fsck.badTimezone=ignore',
  'fetch.fsck.missingSpaceBeforeDate=ignore',
  'submodule.recurse=false',
  'protocol.version=2',
  'init.defaultBranch=main',
  // Who may read the repository may read all that was ever pushed to it; what only this room names is not shown.
  'transfer.hideRefs=refs/nimbus',
  'uploadpack.allowAnySHA1InWant=true',
  'uploadpack.allowFilter=true',
  'uploadpack.keepAlive=5',
  'pack.threads=2',
  'safe.directory=*',
].flatMap((setting) => ['-c', setting])

const SHORT_MS = 120_000
const OUTPUT_CHARS_MAX = 8 * 1024 * 1024

/** @param dataDir lets the remote helper find this node */
export function createGit({ clock, dataDir }: { clock: Pick<Clock, 'after'>; dataDir: string }): Git {
  const file = (): string => {
    const found = findTool('git', process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin')
    if (found !== undefined) return found
    throw new NimbusError('git-missing', 'This worker has no git, which serving and mirroring repositories of the mesh needs.', {
      kind: 'refused',
      cure: 'Install git on this worker, or choose a worker that has it.',
    })
  }
  const environment = (options: GitOptions): Record<string, string> => ({
    PATH: MESH_PATH,
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: options.transports ?? '',
    GIT_NO_LAZY_FETCH: '1',
    NIMBUS_DATA: dataDir,
    ...options.env,
  })
  const start: Git['start'] = (dir, args, options = {}) =>
    startPiped(clock, {
      file: file(),
      args: [...HARDENED, ...args],
      cwd: dir,
      env: environment(options),
      timeoutMs: options.timeoutMs ?? SHORT_MS,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
  const run: Git['run'] = async (dir, args, options = {}) => {
    const child = start(dir, args, options)
    if (options.input !== undefined) void child.write(Buffer.from(options.input)).then(child.endInput)
    else child.endInput()
    const pieces: Uint8Array[] = []
    let bytes = 0
    for await (const piece of child.output) {
      bytes += piece.length
      if (bytes > OUTPUT_CHARS_MAX) child.kill()
      else pieces.push(piece)
    }
    return { ...(await child.ended), stdout: Buffer.concat(pieces).toString('utf8') }
  }
  return {
    assertThere: () => void file(),
    start,
    run,
    async must(dir, args, options) {
      const end = await run(dir, args, options)
      if (end.exitCode === 0) return end.stdout
      throw new NimbusError('git-failed', `git ${args[0]} failed: ${wordsOf(end)}.`, { cure: 'The words are those of git itself.' })
    },
  }
}

/** What git complained of, in one line. */
export function wordsOf({ errors, signal, exitCode, timedOut }: PipedEnd): string {
  const lines = errors.split('\n').filter((line) => line.trim() !== '')
  const line = lines.find((one) => /^(error|fatal): /.test(one)) ?? lines.at(-1)
  if (timedOut) return 'it took too long'
  return line?.replace(/^(error|fatal): /, '').slice(0, 300) ?? (signal === undefined ? `exit code ${exitCode}` : `ended by ${signal}`)
}
