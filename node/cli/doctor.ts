// Looks at this machine and its node. Each finding says what was found; a bad or missing one says what to do.
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { MeshView } from '../../protocols/http/views.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import { safe } from '../kernel/safe-text.ts'
import { findTool } from '../runner/commands/find-tools.ts'
import { loadPty } from '../runner/terminal/pty.ts'
import { createClient, readNodeFile } from './client.ts'
import type { Cli } from './context.ts'

/** `absent`: something optional is not there. */
export type Finding = { name: string; state: 'ok' | 'absent' | 'bad'; found: string; cure?: string }

const NODE_MAJOR_MIN = 24
const DEFAULT_PORT = 7777
/** 2024: a machine whose clock is before the software's own time has lost it. */
const CLOCK_MS_MIN = 1_704_067_200_000
const TOOLS: [string[], string, string][] = [
  [['git'], 'clones faster than the built-in one; keeps repositories of the mesh', 'apt-get install git'],
  [['git-remote-nimbus'], 'lets git read nimbus:// addresses', 'export PATH="$PATH:$(nimbus repo helper)"'],
  [['npm'], 'installs packages that a newer version of Nimbus needs (up --follow)', 'apt-get install npm'],
  [['ssh'], 'reads repositories over ssh, starts workers on other machines', 'apt-get install openssh-client'],
  [['bwrap'], 'sandboxes builds and agents', 'apt-get install bubblewrap'],
  [['chromium', 'google-chrome', 'chromium-browser'], 'watches pages', 'apt-get install chromium'],
  [['cargo'], 'builds Rust', 'apt-get install cargo'],
  [['python3'], 'runs Python', 'apt-get install python3'],
  [['claude'], 'runs coding agents', 'npm install -g @anthropic-ai/claude-code'],
]

export async function examine(cli: Cli): Promise<Finding[]> {
  const node = await readNodeFile(cli.dataDir).catch(() => undefined) // the folder's own finding says why
  return [
    nodeVersion(),
    await dataFolder(cli),
    await port(node !== undefined),
    clock(cli),
    ...TOOLS.map((tool) => findOne(cli, tool)),
    await terminals(),
    ...(await reach(cli)),
  ]
}

function nodeVersion(): Finding {
  const { node } = process.versions
  if (Number(node.split('.')[0]) >= NODE_MAJOR_MIN) return { name: 'node', state: 'ok', found: node }
  return { name: 'node', state: 'bad', found: node, cure: `Nimbus needs Node ${NODE_MAJOR_MIN} or later: https://nodejs.org` }
}

async function dataFolder(cli: Cli): Promise<Finding> {
  const name = 'data folder'
  try {
    const { mode } = await stat(cli.dataDir)
    await access(cli.dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
    const token = await stat(join(cli.dataDir, 'token')).catch(() => undefined) // made at the first start
    if (token !== undefined && process.platform !== 'win32' && (token.mode & 0o077) !== 0)
      return {
        name,
        state: 'bad',
        found: `${cli.dataDir}: others may read its token`,
        cure: `rm ${join(cli.dataDir, 'token')} and start the node again: it makes a new one.`,
      }
    return { name, state: 'ok', found: `${cli.dataDir} (mode ${(mode & 0o777).toString(8)})` }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { name, state: 'absent', found: `${cli.dataDir} is not there yet`, cure: 'nimbus up makes it.' }
    return { name, state: 'bad', found: messageOf(error), cure: `Give this user the folder (chown), or name another: --data DIR.` }
  }
}

async function port(nodeRuns: boolean): Promise<Finding> {
  const taken = await new Promise<boolean>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: DEFAULT_PORT, timeout: 1000 })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket
      .once('connect', () => end(true))
      .once('error', () => end(false))
      .once('timeout', () => end(false))
  })
  if (!taken || nodeRuns) return { name: `port ${DEFAULT_PORT}`, state: 'ok', found: taken ? 'in use' : 'free' }
  return {
    name: `port ${DEFAULT_PORT}`,
    state: 'absent',
    found: 'in use by another program',
    cure: 'nimbus up --http 127.0.0.1:0 takes a free one.',
  }
}

function clock(cli: Cli): Finding {
  const now = cli.now()
  if (now > CLOCK_MS_MIN) return { name: 'clock', state: 'ok', found: new Date(now).toISOString() }
  return {
    name: 'clock',
    state: 'bad',
    found: new Date(now).toISOString(),
    cure: 'Set it: timedatectl set-ntp true. Invites and ages depend on it.',
  }
}

function findOne(cli: Cli, [names, use, install]: [string[], string, string]): Finding {
  const name = names[0] ?? ''
  const found = names.map((candidate) => findTool(candidate, cli.io.env['PATH'] ?? '')).find((path) => path !== undefined)
  return found === undefined ? { name, state: 'absent', found: `not installed; ${use}`, cure: install } : { name, state: 'ok', found }
}

async function terminals(): Promise<Finding> {
  try {
    await loadPty()
    return { name: 'terminals', state: 'ok', found: '@lydell/node-pty' }
  } catch (error) {
    const cure = error instanceof NimbusError ? error.cure : undefined
    return {
      name: 'terminals',
      state: 'absent',
      found: 'not possible here: no @lydell/node-pty for this machine',
      ...(cure === undefined ? {} : { cure }),
    }
  }
}

async function reach(cli: Cli): Promise<Finding[]> {
  let mesh: MeshView
  try {
    const client = await createClient(cli)
    mesh = await client.get<MeshView>('/api/mesh')
  } catch (error) {
    const cure = error instanceof NimbusError ? error.cure : undefined
    return [
      {
        name: 'running node',
        state: error instanceof NimbusError && error.code === 'no-node' ? 'absent' : 'bad',
        found: messageOf(error),
        ...(cure === undefined ? {} : { cure }),
      },
    ]
  }
  const away = mesh.members.filter((member) => member.state === 'suspect' || member.state === 'dead')
  const group = `${mesh.group.reachable} of ${mesh.group.seats.length} keepers reachable`
  return [
    { name: 'running node', state: 'ok', found: `${safe(mesh.self.name)} (${mesh.self.version})` },
    away.length === 0
      ? { name: 'members', state: 'ok', found: `all ${mesh.members.length} reachable` }
      : {
          name: 'members',
          state: 'bad',
          found: `not reachable: ${away.map((member) => safe(member.name)).join(', ')}`,
          cure: 'Do they run, and may this machine reach their ports? nimbus worker show NAME lists their addresses; nimbus worker rm NAME removes one for good.',
        },
    mesh.group.reachable >= mesh.group.majority
      ? { name: 'keepers', state: 'ok', found: group }
      : {
          name: 'keepers',
          state: 'bad',
          found: `${group}: no majority`,
          cure: 'New work waits until a majority of them is back; if they are gone for good: nimbus group recover.',
        },
  ]
}
