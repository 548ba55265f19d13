// One command on another machine, by the ssh of this one: no password is asked for, nothing is forwarded, an unknown host is refused. What
// the remote shell is given is a constant of ours; everything that varies goes through standard input.
import { spawn } from 'node:child_process'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { messageOf, NimbusError } from '../../kernel/errors.ts'

export type SshPlace = { user?: string; host: string; port?: number }
export type SshOptions = {
  /** A private key beside those that ssh finds itself, and a file of known hosts in the place of the usual ones. */
  identity?: string
  knownHosts?: string
  /** Believes the key of a host that was never seen; one that has changed is refused all the same. */
  acceptNew?: boolean
  /** For what is not compressed by itself. */
  compress?: boolean
}
export type RemoteEnd = { exitCode: number; stdout: string; stderr: string }

const OUTPUT_CHARS_MAX = 256 * 1024
/** ssh's own failure, as opposed to that of the command. */
const SSH_FAILED = 255
const HARDENED = [
  'BatchMode=yes',
  'ForwardAgent=no',
  'ForwardX11=no',
  'ClearAllForwardings=yes',
  'PermitLocalCommand=no',
  'ControlMaster=no',
  'ControlPath=none',
  'ConnectTimeout=15',
  'ServerAliveInterval=15',
  'ServerAliveCountMax=4',
  'LogLevel=ERROR',
  'UpdateHostKeys=no',
  'EscapeChar=none',
]

/** @throws NimbusError `usage` where the text is no ssh://[USER@]HOST[:PORT] */
export function readSshPlace(text: string): SshPlace {
  const [, user, bracketed, plain, port] =
    /^ssh:\/\/(?:([a-z_][a-z0-9_.-]{0,31})@)?(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9][a-z0-9.-]{0,252}))(?::(\d{1,5}))?\/?$/i.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port ?? 22) < 1 || Number(port ?? 22) > 65_535)
    throw new NimbusError('usage', `--on is ${JSON.stringify(text.slice(0, 200))}; it takes ssh://[USER@]HOST[:PORT].`, {
      kind: 'usage',
      cure: 'Write it as ssh://me@box.example.org:22, without a password: ssh uses its keys.',
    })
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port: Number(port) }) }
}

function sshArgv({ user, host, port }: SshPlace, { identity, knownHosts, acceptNew, compress }: SshOptions, command: string): string[] {
  const options = [
    ...HARDENED,
    `StrictHostKeyChecking=${acceptNew === true ? 'accept-new' : 'yes'}`,
    ...(compress === true ? ['Compression=yes'] : []),
    ...(knownHosts === undefined ? [] : [`UserKnownHostsFile=${quoted(knownHosts)}`, 'GlobalKnownHostsFile=/dev/null']),
    ...(identity === undefined ? [] : [`IdentityFile=${quoted(identity)}`, 'IdentitiesOnly=yes']),
  ]
  return [
    '-T',
    ...options.flatMap((option) => ['-o', option]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    '--',
    host,
    command,
  ]
}

/** @throws NimbusError that says why the machine could not be reached; how the command ended is told */
export async function runRemote(order: {
  ssh: string
  place: SshPlace
  options: SshOptions
  command: string
  input: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>
  env: NodeJS.ProcessEnv
}): Promise<RemoteEnd> {
  const { ssh, place, options, command, input, env } = order
  const child = spawn(ssh, sshArgv(place, options, command), { env, stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(SSH_FAILED))
    child.once('close', (code) => resolve(code ?? SSH_FAILED))
  })
  const keep = (from: Readable): { text(): string } => {
    let text = ''
    from.setEncoding('utf8').on('data', (piece: string) => (text = (text + piece).slice(-OUTPUT_CHARS_MAX)))
    return { text: () => text }
  }
  const stdout = keep(child.stdout)
  const stderr = keep(child.stderr)
  let unread: unknown
  await pipeline(Readable.from(input), child.stdin).catch((error: NodeJS.ErrnoException) => {
    // A pipe that broke: ssh or the command ended first, and its exit says why. Anything else is the source's.
    if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') unread = error
  })
  if (unread !== undefined) {
    child.kill('SIGKILL')
    throw new NimbusError('not-sent', `What was to be sent could not be read: ${messageOf(unread)}.`, { cause: unread })
  }
  const exitCode = await ended
  if (exitCode === SSH_FAILED) throw faultOf(place, stderr.text().trim())
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() }
}

/** ssh's words, told apart, with the cure for each. */
function faultOf(place: SshPlace, words: string): NimbusError {
  const where = `ssh://${place.user === undefined ? '' : `${place.user}@`}${place.host}${place.port === undefined ? '' : `:${place.port}`}`
  const last = words.split('\n').at(-1)?.slice(0, 300) ?? ''
  const refusal = (code: string, kind: 'refused' | 'unreachable', message: string, cure: string): NimbusError =>
    new NimbusError(code, `${where}: ${message}${last === '' ? '' : ` (${last})`}.`, { kind, cure })
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED/.test(words))
    return refusal(
      'host-key-changed',
      'refused',
      'its host key is not the one that is known',
      'Find out why; ssh-keygen -R HOST forgets the old one.',
    )
  if (/Host key verification failed|No \S+ host key is known/.test(words))
    return refusal(
      'host-key-unknown',
      'refused',
      'its host key is not known',
      'Connect once by hand and compare it, or let the first one be believed: --accept-new.',
    )
  if (/Permission denied|Too many authentication failures|no such identity/i.test(words))
    return refusal('ssh-refused', 'refused', 'it lets none of the keys in', 'Name one with --identity FILE, or load it: ssh-add.')
  return refusal('ssh-failed', 'unreachable', 'it cannot be reached', 'Try ssh by hand: does the address, the port, the network answer?')
}

/** A value of a setting of ssh: blanks part words, and % begins a token. */
function quoted(file: string): string {
  if (/["\n\0]/.test(file))
    throw new NimbusError('usage', `${JSON.stringify(file)} cannot be named to ssh.`, { kind: 'usage', cure: 'Use another path.' })
  return `"${file.replaceAll('%', '%%')}"`
}
