// Starts a worker on another machine through ssh: looks what is there, sends what is missing from where an earlier try left off, and has
// the node started there with an invite that stands in no list of processes.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NimbusError } from '../../kernel/errors.ts'
import { formatBytes } from '../../kernel/sizes.ts'
import { findTool } from '../../runner/commands/find-tools.ts'
import type { RemoteEnd, SshOptions, SshPlace } from '../../runner/remote/ssh.ts'
import { runRemote } from '../../runner/remote/ssh.ts'
import type { Cli } from '../context.ts'
import type { ProductPack } from './product-pack.ts'
import { packProduct } from './product-pack.ts'

export type RemoteWorker = { name: string; peerId: string; http: string; pid: number; dataDir: string }

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const REMOTE_SIDE = fileURLToPath(new URL('../../runner/remote/remote-side.ts', import.meta.url))
// Each is one word of the remote login shell and holds nothing that varies: that comes line by line through its standard input.
const LOOK =
  'exec sh -c \'uname -sm; while IFS= read -r h; do f="$HOME/.nimbus-product/$h"; if [ -e "$f" ]; then echo "have $h"; elif [ -f "$f.part" ]; then echo "part $h $(wc -c < "$f.part")"; fi; done; for n in node /usr/local/bin/node /opt/homebrew/bin/node "$HOME"/.nimbus-product/node-*; do v=$("$n" --version 2>/dev/null) && echo "node $v $n"; done; exit 0\''
const TAKE =
  'exec sh -c \'set -eu; umask 077; IFS= read -r h; IFS= read -r at; d="$HOME/.nimbus-product"; mkdir -p "$d"; f="$d/$h.part"; [ -f "$f" ] || : > "$f"; [ "$(wc -c < "$f")" -eq "$at" ] || exit 9; cat >> "$f"\''
const BECOME_PROGRAM =
  'exec sh -c \'set -eu; IFS= read -r h; d="$HOME/.nimbus-product"; mv "$d/$h.part" "$d/$h"; chmod 700 "$d/$h"; echo "$d/$h"\''
const BEGIN = 'exec sh -c \'IFS= read -r n; exec "$n" --input-type=module-typescript --disable-warning=ExperimentalWarning -\''

const NODE_MAJOR_MIN = 24
const SYSTEMS: Record<string, { platform: string; arch: string }> = {
  'Linux x86_64': { platform: 'linux', arch: 'x64' },
  'Linux aarch64': { platform: 'linux', arch: 'arm64' },
  'Darwin arm64': { platform: 'darwin', arch: 'arm64' },
  'Darwin x86_64': { platform: 'darwin', arch: 'x64' },
}

export async function spawnRemote(
  cli: Cli,
  order: { place: SshPlace; options: SshOptions; name: string; flags: readonly string[]; invite(): Promise<string> },
): Promise<RemoteWorker> {
  const ssh = findTool('ssh', cli.io.env['PATH'] ?? '')
  if (ssh === undefined)
    throw new NimbusError('no-ssh', 'There is no ssh on this machine.', {
      kind: 'missing',
      cure: 'Install it: apt-get install openssh-client.',
    })
  const { place, options } = order
  const remote = (command: string, input: AsyncIterable<Uint8Array | string> | string[]): Promise<RemoteEnd> =>
    runRemote({ ssh, place, options, command, input, env: cli.io.env })

  const product = await packProduct(ROOT, join(cli.dataDir, 'packs'))
  const there = readLook(await remote(LOOK, [`${product.hash}\n`]))
  if (!there.have.has(product.hash)) await send(cli, remote, product, there.part.get(product.hash) ?? 0)
  const packed: typeof remote = (command, input) =>
    runRemote({ ssh, place, options: { ...options, compress: true }, command, input, env: cli.io.env })
  const node = there.node === undefined ? await sendNode(cli, packed, there.system, place) : { path: there.node, hash: null }
  const begin = { hash: product.hash, name: order.name, invite: await order.invite(), flags: order.flags, nodeHash: node.hash }
  const source = `const ORDER = ${JSON.stringify(begin)}\n${readFileSync(REMOTE_SIDE, 'utf8')}`
  const end = await remote(BEGIN, [`${node.path}\n`, source])
  return readAnswer(place, end)
}

type Look = { system: string; have: Set<string>; part: Map<string, number>; node: string | undefined }

function readLook({ stdout }: RemoteEnd): Look {
  const [system = '', ...lines] = stdout.split('\n')
  const look: Look = { system, have: new Set(), part: new Map(), node: undefined }
  for (const line of lines) {
    const [word, first = '', ...rest] = line.trim().split(/\s+/)
    if (word === 'have') look.have.add(first)
    if (word === 'part') look.part.set(first, Number(rest[0]))
    const major = Number(/^v(\d+)\./.exec(first)?.[1])
    if (word === 'node' && major >= NODE_MAJOR_MIN) look.node ??= line.slice(line.indexOf(first) + first.length + 1)
  }
  return look
}

/** From the byte on that is not there yet. */
async function send(
  cli: Cli,
  remote: (command: string, input: AsyncIterable<Uint8Array | string>) => Promise<RemoteEnd>,
  { file, hash, size }: ProductPack,
  there: number,
): Promise<void> {
  const from = there > size ? size : there
  cli.note(`nimbus: sending the program, ${formatBytes(size - from)}${from === 0 ? '' : ` (${formatBytes(from)} are there already)`}`)
  const input = async function* (): AsyncGenerator<Uint8Array | string> {
    yield `${hash}\n${from}\n`
    if (from < size) yield* createReadStream(file, { start: from }) as AsyncIterable<Uint8Array>
  }
  const { exitCode, stderr } = await remote(TAKE, input())
  if (exitCode === 0) return
  throw new NimbusError('not-sent', `The program was not taken there: ${stderr.trim().slice(-300) || `exit code ${exitCode}`}.`, {
    cure: 'Look at the space and the rights of the home folder there, then try again: what arrived stays.',
  })
}

/** Where there is no Node, that of this machine goes there, if the two are alike. */
async function sendNode(
  cli: Cli,
  remote: (command: string, input: AsyncIterable<Uint8Array | string> | string[]) => Promise<RemoteEnd>,
  system: string,
  place: SshPlace,
): Promise<{ path: string; hash: string }> {
  const file = nodeFor(system)
  if (file === undefined)
    throw new NimbusError(
      'no-node-there',
      `${place.host} (${system || 'an unknown system'}) has no Node ${NODE_MAJOR_MIN}, and this machine has none for it.`,
      {
        kind: 'missing',
        cure: 'Install Node 24 there: https://nodejs.org.',
      },
    )
  const hash = createHash('sha256')
  for await (const piece of createReadStream(file)) hash.update(piece as Uint8Array)
  const text = hash.digest('hex')
  const name = `node-${text}`
  const there = readLook(await remote(LOOK, [`${name}\n`]))
  cli.note(`nimbus: ${place.host} has no Node ${NODE_MAJOR_MIN}; this one's goes there`)
  await send(cli, remote, { file, hash: name, size: (await stat(file)).size }, there.part.get(name) ?? 0)
  const { exitCode, stdout, stderr } = await remote(BECOME_PROGRAM, [`${name}\n`])
  if (exitCode === 0) return { path: stdout.trim(), hash: text }
  throw new NimbusError('not-sent', `Node was not taken there: ${stderr.trim().slice(-300)}.`, {
    cure: 'Look at the space in the home folder there.',
  })
}

function nodeFor(system: string): string | undefined {
  const wanted = SYSTEMS[system]
  if (wanted === undefined) return undefined
  if (wanted.platform === process.platform && wanted.arch === process.arch) return process.execPath
  const beside = join(ROOT, 'node_modules', `node-${wanted.platform}-${wanted.arch}`, 'bin', 'node')
  return existsSync(beside) ? beside : undefined
}

function readAnswer(place: SshPlace, { exitCode, stdout, stderr }: RemoteEnd): RemoteWorker {
  const line = stdout.split('\n').findLast((one) => one.startsWith('{'))
  const answer = line === undefined ? undefined : (JSON.parse(line) as RemoteWorker & { event: string; code?: string; message?: string })
  if (answer?.event === 'ready') return answer
  throw new NimbusError(
    answer?.code ?? 'not-started',
    `No worker was started on ${place.host}: ${answer?.message ?? (stderr.trim().slice(-1000) || `exit code ${exitCode}`)}.`,
    {
      cure: 'Can that machine reach the addresses of this node? nimbus worker show lists them.',
    },
  )
}
