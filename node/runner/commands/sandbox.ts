// The command line that puts a process into a sandbox (bubblewrap): an own view of processes and network, the system read-only,
// one place to write. Only words are made here; the caller runs them.

export type SandboxOrder = {
  /** Where bubblewrap is. */
  bwrap: string
  argv: readonly string[]
  cwd: string
  /** Folders that it may write to, seen at their own paths. */
  writable: readonly string[]
  /** Folders that it may read beside the system's: tool chains. Missing ones are passed over. */
  readable: readonly string[]
  /** Shown in the arguments of the sandbox, so without secrets; where it is absent, the environment of the sandbox itself is handed on. */
  env?: Readonly<Record<string, string>>
  network: boolean
}

/** What compilers, certificates and name look-ups need of /etc; no secret lies there. */
const ETC = [
  'alternatives',
  'ssl',
  'ca-certificates',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'java-17-openjdk',
  'maven',
  'localtime',
  'protocols',
  'services',
]
const ETC_NETWORK = ['resolv.conf', 'hosts', 'nsswitch.conf']
const TMP_BYTES_MAX = 1024 * 1024 * 1024

export function sandboxArgv(order: SandboxOrder): string[] {
  const { argv, cwd, writable, readable, env, network } = order
  const etc = [...ETC, ...(network ? ETC_NETWORK : [])]
  const words: readonly (readonly string[])[] = [
    [order.bwrap, '--unshare-all', ...(network ? ['--share-net'] : []), '--unshare-user', '--disable-userns'],
    ['--uid', '1000', '--gid', '1000', '--cap-drop', 'ALL', '--die-with-parent', '--new-session'],
    ['--ro-bind', '/usr', '/usr', '--ro-bind-try', '/opt', '/opt'],
    ...['bin', 'sbin', 'lib', 'lib64'].map((name) => ['--symlink', `usr/${name}`, `/${name}`]),
    ...etc.map((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]),
    ['--proc', '/proc', '--dev', '/dev', '--size', String(TMP_BYTES_MAX), '--tmpfs', '/tmp'],
    ...readable.map((path) => ['--ro-bind-try', path, path]),
    ...writable.map((path) => ['--bind', path, path]),
    ['--chdir', cwd, ...(env === undefined ? [] : ['--clearenv'])],
    ...Object.entries(env ?? {}).map(([name, value]) => ['--setenv', name, value]),
    ['--', ...argv],
  ]
  return words.flat()
}
