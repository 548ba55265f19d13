// Lets the machine's git speak over SSH: with an agent of our own that holds the key in memory for as long as one clone lasts, with
// host keys of our own, and with no other way of proving who we are. No question is ever asked.
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { NimbusError } from '../../kernel/errors.ts'
import { findTool } from '../../runner/commands/find-tools.ts'
import { execFileQuietly, startCompanion } from '../../runner/commands/run-command.ts'
import type { GitAccess } from '../system/git-command.ts'
import { type RepoCredential, unusable } from './credential.ts'

const PATH = '/usr/local/bin:/usr/bin:/bin'
const ENVIRONMENT = { PATH, LC_ALL: 'C', HOME: '/nonexistent' }
const SAID_BYTES_MAX = 64 * 1024
const DEFAULT_USER = 'git'
/** The shell puts the path in its place by itself: nothing of ours is written into the command. */
const SSH_COMMAND = 'exec ssh -F "$NIMBUS_SSH_CONFIG"'

export async function withSsh<Result>(
  { url, credential = {}, knownHosts }: { url: URL; credential?: RepoCredential | undefined; knownHosts: string },
  work: (access: GitAccess) => Promise<Result>,
): Promise<Result> {
  const dir = await mkdtemp(join(tmpdir(), 'nimbus-ssh-'))
  let agent: { kill(): void } | undefined
  try {
    await chmod(dir, 0o700)
    let socket = credential.agentSocket
    if (credential.secret !== undefined) {
      socket = join(dir, 'agent')
      agent = await startCompanion(toolOf('ssh-agent'), ['-D', '-a', socket], { env: ENVIRONMENT })
      await addKey(socket, credential)
    }
    const hosts = credential.hostKeys === undefined ? knownHosts : join(dir, 'known_hosts')
    if (credential.hostKeys === undefined) await mkdir(dirname(knownHosts), { recursive: true, mode: 0o700 })
    else await writeFile(hosts, credential.hostKeys.map((key) => `${hostEntry(url)} ${key}\n`).join(''), { mode: 0o600 })
    const config = join(dir, 'config')
    const isPinned = credential.hostKeys !== undefined
    await writeFile(config, sshConfig({ socket, hosts, isPinned, user: credential.user ?? DEFAULT_USER }), { mode: 0o600 })
    toolOf('ssh')
    return await work({ protocols: 'ssh', env: { GIT_SSH_COMMAND: SSH_COMMAND, GIT_SSH_VARIANT: 'ssh', NIMBUS_SSH_CONFIG: config } })
  } finally {
    agent?.kill()
    await rm(dir, { recursive: true, force: true })
  }
}

/** The key goes in through a pipe; one with a passphrase is refused, since nobody can be asked. */
async function addKey(socket: string, { name, secret = '' }: RepoCredential): Promise<void> {
  if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(secret)) throw unusable(name, 'an ssh:// address needs a private key, and it is none')
  const { exitCode } = await execFileQuietly(toolOf('ssh-add'), ['-q', '-'], {
    env: { ...ENVIRONMENT, SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: 'never' },
    input: `${secret.replaceAll('\r\n', '\n').trimEnd()}\n`,
    outputBytesMax: SAID_BYTES_MAX,
  })
  if (exitCode !== 0) throw unusable(name, 'ssh-add does not take it as a private key without a passphrase')
}

function sshConfig({
  socket,
  hosts,
  isPinned,
  user,
}: {
  socket: string | undefined
  hosts: string
  isPinned: boolean
  user: string
}): string {
  return [
    'Host *',
    `User ${user}`,
    'BatchMode yes',
    `StrictHostKeyChecking ${isPinned ? 'yes' : 'accept-new'}`,
    `UserKnownHostsFile "${hosts}"`,
    'GlobalKnownHostsFile /dev/null',
    `IdentityAgent ${socket === undefined ? 'none' : `"${socket}"`}`,
    'IdentityFile none',
    'PreferredAuthentications publickey',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'ForwardAgent no',
    'ForwardX11 no',
    'ClearAllForwardings yes',
    'PermitLocalCommand no',
    'UpdateHostKeys no',
    'HashKnownHosts no',
    'ConnectTimeout 20',
    'ConnectionAttempts 1',
    'ServerAliveInterval 15',
    'LogLevel ERROR',
    '',
  ].join('\n')
}

function hostEntry({ hostname, port }: URL): string {
  const host = hostname.replace(/^\[|\]$/g, '')
  return port === '' || port === '22' ? host : `[${host}]:${port}`
}

function toolOf(name: string): string {
  const file = findTool(name, PATH)
  if (file !== undefined) return file
  throw new NimbusError('ssh-missing', `Repositories over ssh need the program ${name}, and this machine has none.`, {
    kind: 'refused',
    cure: 'apt-get install openssh-client, or use the https address of the repository.',
  })
}

/** Gives what ssh and git said of a failed connection its name; undefined where it was something else. */
export function sshFault(stderr: string, url: URL, { name, hostKeys, secret, agentSocket }: RepoCredential = {}): NimbusError | undefined {
  const place = `${url.pathname} on ${url.host}`
  if (/Permission denied|Too many authentication failures/.test(stderr)) {
    const with_ =
      secret !== undefined ? `the key of the secret ${name ?? ''}` : agentSocket !== undefined ? 'the keys of its SSH agent' : ''
    if (with_ === '')
      return new NimbusError(
        'repo-needs-credentials',
        `The repository ${place} cannot be read, because ssh asks for a key and none is set.`,
        {
          kind: 'refused',
          cure: `nimbus repo auth set ${url.host} --secret NAME, after nimbus secret set NAME < PRIVATE_KEY`,
        },
      )
    return new NimbusError('repo-credentials-refused', `The host ${url.host} refused ${with_} for ${url.pathname}.`, {
      kind: 'refused',
      cure: 'Check that the public key is known there, and the user of the address.',
    })
  }
  if (/Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/.test(stderr))
    return new NimbusError(
      'repo-host-key',
      hostKeys === undefined
        ? `The host ${url.host} showed another key than the first time: it was set up anew, or somebody stands in between.`
        : `The host ${url.host} showed a key that is none of those set for it.`,
      { kind: 'refused', cure: `Compare its key with the one its operator names, then: nimbus repo auth set ${url.host} … --host-key KEY` },
    )
  if (/Could not resolve hostname|Connection (refused|timed out|reset|closed)|No route to host|Network is unreachable/.test(stderr))
    return new NimbusError('repo-unreachable', `The repository's host ${url.host} cannot be reached: ${lastLine(stderr)}.`, {
      kind: 'unreachable',
      cure: 'Check the address and the network of this worker, then try again.',
    })
  if (/does not appear to be a git repository|not found|no such/i.test(stderr))
    return new NimbusError('repo-not-found', `There is no repository ${place}, or this key may not see it.`, {
      kind: 'missing',
      cure: 'Check the address.',
    })
  return undefined
}

function lastLine(stderr: string): string {
  return (stderr.split('\n').find((line) => /^ssh: |resolve|refused|timed out|reset|closed|route|unreachable/.test(line)) ?? '')
    .trim()
    .slice(0, 200)
}
