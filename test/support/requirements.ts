// The tools that some tests need and a machine may lack. A test names what it needs and is skipped by name with the line
// that installs it; with CI=true a missing tool is an error, because there nothing may be skipped.
//
//   const chromium = requirement('chromium')
//   describe.skipIf(!chromium.present)(chromium.title('the dashboard in a browser'), () => { … })
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export type RequirementName =
  | 'chromium'
  | 'bwrap'
  | 'git'
  | 'cargo'
  | 'python3'
  | 'python-venv'
  | 'go'
  | 'maven'
  | 'cmake'
  | 'cc'
  | 'pnpm'
  | 'yarn'
  | 'claude'
  | 'mcp-conformance'
  | 'root'
  | 'redis'
  | 'nats'
  | 'sshd'
  | 'vim'
  | 'top'

export interface Requirement {
  name: RequirementName
  present: boolean
  /** Why it is absent; empty when present. */
  reason: string
  /** The command that installs it. */
  install: string
  /** Where the program is, when it was found. */
  path?: string
  /** The suite's name, with the reason and the install line when the tool is absent. */
  title: (name: string) => string
}

interface Probe {
  install: string
  find: () => { path: string } | { reason: string }
}

const PROBES: Record<RequirementName, Probe> = {
  chromium: { install: 'apt-get install chromium', find: () => onPath('chromium', 'chromium-browser', 'google-chrome') },
  bwrap: { install: 'apt-get install bubblewrap', find: () => worksWith('bwrap', ['--ro-bind', '/', '/', '--unshare-pid', 'true']) },
  git: { install: 'apt-get install git', find: () => onPath('git') },
  cargo: { install: 'apt-get install cargo', find: () => onPath('cargo') },
  python3: { install: 'apt-get install python3', find: () => onPath('python3') },
  'python-venv': { install: 'apt-get install python3-venv', find: () => worksWith('python3', ['-c', 'import ensurepip, venv']) },
  go: { install: 'apt-get install golang-go', find: () => onPath('go') },
  maven: { install: 'apt-get install maven default-jdk-headless', find: () => worksWith('javac', ['-version'], 'mvn') },
  cmake: { install: 'apt-get install cmake', find: () => onPath('cmake') },
  cc: { install: 'apt-get install gcc make', find: () => worksWith('cc', ['--version'], 'make') },
  pnpm: { install: 'npm install -g pnpm', find: () => onPath('pnpm') },
  yarn: { install: 'npm install -g yarn', find: () => onPath('yarn') },
  claude: { install: 'npm install -g @anthropic-ai/claude-code', find: claudeProgram },
  'mcp-conformance': { install: 'npm install -g @modelcontextprotocol/conformance@0.1.16', find: conformanceProgram },
  // Not on everybody's PATH: it lies where only root looks.
  sshd: {
    install: 'apt-get install openssh-server',
    find: () => (existsSync('/usr/sbin/sshd') ? { path: '/usr/sbin/sshd' } : onPath('sshd')),
  },
  vim: { install: 'apt-get install vim', find: () => onPath('vim') },
  top: { install: 'apt-get install procps', find: () => onPath('top') },
  redis: { install: 'apt-get install redis-server', find: () => onPath('redis-server') },
  nats: { install: 'apt-get install nats-server', find: () => onPath('nats-server') },
  root: { install: 'apt-get install iproute2 nftables, and run as root', find: networkLab },
}

export function requirement(name: RequirementName): Requirement {
  const { install, find } = PROBES[name]
  const found = find()
  const present = 'path' in found
  const reason = present ? '' : found.reason
  if (!present && process.env['CI'] === 'true') {
    throw new Error(`"${name}" is missing in CI, where nothing is skipped, because ${reason}. Install it in .ci/run: ${install}`)
  }
  const title = (suite: string): string => (present ? suite : `${suite} [skipped: ${reason}; install: ${install}]`)
  return { name, present, reason, install, title, ...(present ? { path: found.path } : {}) }
}

/** A folder outside of the clone may hold it: CLAUDE_UNDER_TEST names the program. */
function claudeProgram(): { path: string } | { reason: string } {
  const named = process.env['CLAUDE_UNDER_TEST']
  if (named === undefined || named === '') return onPath('claude')
  return isExecutable(named) ? { path: named } : { reason: `CLAUDE_UNDER_TEST is ${named}, which is no program` }
}

/** The same for the conformance suite of MCP; its entry is a script of Node. */
function conformanceProgram(): { path: string } | { reason: string } {
  const named = process.env['MCP_CONFORMANCE']
  if (named === undefined || named === '') return onPath('conformance')
  return existsSync(named) ? { path: named } : { reason: `MCP_CONFORMANCE is ${named}, which does not exist` }
}

function onPath(...programs: string[]): { path: string } | { reason: string } {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const program of programs) {
      const path = join(folder, program)
      if (isExecutable(path)) return { path }
    }
  }
  return { reason: `${programs[0]} is not on the PATH` }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // Absent or not executable: the next folder of the PATH may have it.
  }
}

/** Present is not enough for a sandbox: a kernel or container may forbid the namespaces that it needs. */
function worksWith(program: string, argv: string[], beside: string = program): { path: string } | { reason: string } {
  const other = onPath(beside)
  if ('reason' in other) return other
  const found = onPath(program)
  if ('reason' in found) return found
  try {
    execFileSync(found.path, argv, { stdio: 'ignore', timeout: 5_000 })
    return found
  } catch (error) {
    return { reason: `${program} is installed but does not run here (${String(error).split('\n')[0]})` }
  }
}

function networkLab(): { path: string } | { reason: string } {
  if (process.getuid?.() !== 0) return { reason: 'the network lab needs root for namespaces' }
  for (const tool of ['nft', 'ip', 'nsenter']) {
    const found = onPath(tool)
    if ('reason' in found) return found
  }
  return worksWith('unshare', ['--net', 'true'])
}
