// Replicates workers, here or on another machine: each a node of its own with its own folder, identity and ports, joined by an invite
// made here.
import { mkdir, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Command } from 'commander'
import type { InviteView, MeshView, WorkerView } from '../../../protocols/http/views.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { safe } from '../../kernel/safe-text.ts'
import type { SshOptions, SshPlace } from '../../runner/remote/ssh.ts'
import { readSshPlace } from '../../runner/remote/ssh.ts'
import { argumentsOf, startInBackground } from '../background.ts'
import type { Client } from '../client.ts'
import { createClient } from '../client.ts'
import type { Action, Cli } from '../context.ts'
import { wholeNumber } from '../options.ts'
import type { ProgramComponents, ReadyLine, UpFlags } from '../run-node.ts'
import { programFromMesh } from '../spawn/mesh-program.ts'
import type { RemoteWorker } from '../spawn/spawn-remote.ts'
import { spawnRemote } from '../spawn/spawn-remote.ts'

const REPLICAS_MAX = 32
const INVITE_LIFE = '5m'
const NAME_CHARS_MAX = 55

type Spawned = Pick<ReadyLine, 'name' | 'http' | 'peerId' | 'pid'> & { dataDir: string }

export function addSpawnCommands(program: Command, action: Action, components: Pick<ProgramComponents, 'binFile'>): void {
  program
    .command('spawn')
    .description('start more workers on this machine or another one; each joins the mesh by itself')
    .option('--count <n>', 'how many (default 1)', wholeNumber('--count', 1, REPLICAS_MAX), 1)
    .option('--from <worker>', 'with the roles, skills, labels, pool, slots and version of this one (default: this node)')
    .option('--code <address>', 'the program from a repository that the mesh hosts: nimbus://mesh/NAME[#BRANCH]')
    .option('--pool <pool>', 'the pool they belong to')
    .option('--on <place>', 'on another machine, as ssh://[USER@]HOST[:PORT]; the program goes there by itself')
    .option('--identity <file>', 'the private key for ssh (default: those that ssh finds)')
    .option('--known-hosts <file>', 'the hosts that ssh knows (default: its own files)')
    .option('--accept-new', 'believe the key of a host that was never seen')
    .action(action((cli, _words, options) => spawn(cli, options, components.binFile)))
}

async function spawn(cli: Cli, options: Record<string, unknown>, binFile: string): Promise<number> {
  const client = await createClient(cli)
  const { self } = await client.get<MeshView>('/api/mesh')
  const { from, pool, count, on, code } = options as { from?: string; pool?: string; count: number; on?: string; code?: string }
  const place = on === undefined ? undefined : readSshPlace(on)
  const model = from === undefined ? self : await client.get<WorkerView>(`/api/workers/${encodeURIComponent(from)}`)
  if (place !== undefined) return spawnThere(cli, client, { place, model, pool, count }, options)
  const root = join(dirname(cli.dataDir), `${basename(cli.dataDir)}-replicas`)
  const named = from === undefined ? undefined : model
  const program = await programFromMesh(cli, client, { code, model: named, versionsDir: join(root, 'versions') })
  const names = await freeNames(root, model.name, count)
  const { invite } = await client.post<InviteView>('/api/invites', { uses: count, expires: INVITE_LIFE })
  const started = await Promise.all(
    names.map(async (name) => {
      const dataDir = join(root, name)
      await mkdir(dataDir, { recursive: true, mode: 0o700 })
      return startOne({ ...cli, dataDir }, { ...likenessOf(model, pool), name, join: invite, http: '127.0.0.1:0' }, program ?? binFile)
    }),
  )
  if (cli.globals.json) cli.printJson({ workers: started })
  else for (const one of started) cli.print(`ready ${safe(one.name)} ${one.http} (folder ${one.dataDir})`)
  cli.note(`End one with: nimbus down --data ${join(root, names[0] ?? '')}`)
  return 0
}

/** One after the other: the first one brings the program along. */
async function spawnThere(
  cli: Cli,
  client: Client,
  { place, model, pool, count }: { place: SshPlace; model: WorkerView; pool: string | undefined; count: number },
  options: SshOptions,
): Promise<number> {
  const workers: RemoteWorker[] = []
  const isAddress = /^[\d.]+$|:/.test(place.host)
  const base = (isAddress ? `${model.name}-remote` : `${model.name}-${place.host.split('.')[0]}`).toLowerCase().slice(0, NAME_CHARS_MAX)
  const flags = argumentsOf({ ...likenessOf(model, pool), http: '127.0.0.1:0' }).slice(1)
  while (workers.length < count) {
    const invite = async (): Promise<string> => (await client.post<InviteView>('/api/invites', { uses: 1, expires: INVITE_LIFE })).invite
    const one = await spawnRemote(cli, { place, options, name: base, flags, invite })
    const { name, http, peerId, pid, dataDir } = one
    workers.push({ name, http, peerId, pid, dataDir })
    if (!cli.globals.json) cli.print(`ready ${safe(name)} on ${place.host} (folder ${safe(dataDir)})`)
  }
  if (cli.globals.json) cli.printJson({ workers })
  cli.note(`End one with: nimbus worker stop ${workers[0]?.name ?? ''}`)
  return 0
}

async function startOne(cli: Cli, flags: UpFlags & { name: string }, binFile: string): Promise<Spawned> {
  let ready: ReadyLine | undefined
  const code = await startInBackground(cli, flags, binFile, (info) => {
    ready = info
  })
  if (ready !== undefined) return { name: ready.name, http: ready.http, peerId: ready.peerId, pid: ready.pid, dataDir: cli.dataDir }
  throw new NimbusError('not-spawned', `The worker ${flags.name} ended with ${code} before it was ready.`, {
    cure: `Look into ${join(cli.dataDir, 'up.log')}.`,
  })
}

/** What a worker offers, for one that is to be like it. */
function likenessOf(model: WorkerView, pool: string | undefined): UpFlags {
  const { roles, skills, labels, slots, repo } = model
  const own = pool ?? model.pool ?? undefined
  return { roles, skills, labels, slots, ...(own === undefined ? {} : { pool: own }), ...(repo === null ? {} : { repo }) }
}

/** `box-2`, `box-3`, …: the first that have no folder yet. */
async function freeNames(root: string, base: string, count: number): Promise<string[]> {
  const taken = new Set(await readdir(root).catch(() => [])) // not there before the first one
  const names: string[] = []
  for (let number = 2; names.length < count; number++) if (!taken.has(`${base}-${number}`)) names.push(`${base}-${number}`)
  return names
}
