// Makes one revision of a service ready on this machine: its folder with what belongs there, and the order for its supervisor. It starts
// nothing of the service.
import { existsSync } from 'node:fs'
import { chmod, mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import type { PeerId } from '../../protocols/ids.ts'
import type { ServiceSpec } from '../../protocols/services/service-records.ts'
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { cloneInto } from '../repos/clone.ts'
import { findTool } from '../runner/commands/find-tools.ts'
import type { BlobStore } from '../store/blobs.ts'
import { isSafePath } from '../tasks/work/artifacts.ts'
import type { BlobFetch } from '../tasks/work/blob-fetch.ts'
import { unpackFolder } from '../tasks/work/unpack-folder.ts'
import type { ServiceOrder } from './mailbox.ts'
import { readServiceYaml } from './nimbus-yaml.ts'
import type { Target } from './plan.ts'

export type StageComponents = {
  clock: Clock
  blobs: BlobStore
  fetch: Pick<BlobFetch, 'need'>
  clone: typeof cloneInto
  /** The words that start this very program. */
  nimbus: readonly string[]
  toolHomes: Readonly<Record<string, string>>
  path: string
  /** Where services of this worker listen. */
  host: string
}
export type StagePlace = {
  name: string
  /** The folder of the run, and one that stays on this worker. */
  root: string
  home: string
  /** Variables that tell the work where it runs. */
  env: Readonly<Record<string, string>>
  portBefore: number | undefined
}
export type Stage = (target: Target, place: StagePlace, signal: AbortSignal) => Promise<ServiceOrder>

const HEALTH_TIMEOUT_MS = 60_000
const DRAIN_MS = 10_000
/** Where a tar says that it is one. */
const TAR_MAGIC = { at: 257, text: 'ustar' }

export function createStage(components: StageComponents): Stage {
  const { path, toolHomes } = components
  return async (target, { name, root, home, env, portBefore }, signal) => {
    const { revision, launch, spec, author } = target
    const cwd = join(root, `revision-${revision}`)
    if (!existsSync(join(root, `revision-${revision}.ready`))) {
      await fill(components, spec, cwd, author, signal)
      await writeFile(join(root, `revision-${revision}.ready`), '')
    }
    await mkdir(home, { recursive: true, mode: 0o700 })
    const told = spec.repo === undefined ? {} : await readServiceYaml(cwd, name)
    const argv = spec.argv.length > 0 ? spec.argv : (told.argv ?? noCommand(name))
    const port = spec.port ?? told.port
    const health = spec.health ?? told.health
    const bwrap = spec.sandbox === 'process' ? requireBubblewrap(path) : undefined
    return {
      revision,
      launch,
      argv,
      ...(spec.build === true ? { build: [...components.nimbus, 'build', 'run', '.'] } : {}),
      cwd,
      env: { PATH: path, ...env, HOME: home, NIMBUS_SERVICE: name, ...toolHomes, ...told.env, ...spec.env },
      handOn: [...(spec.secrets ?? [])],
      protocol: spec.protocol,
      ...(health === undefined ? {} : { health }),
      healthTimeoutMs: spec.healthTimeoutMs ?? HEALTH_TIMEOUT_MS,
      drainMs: spec.drainMs ?? DRAIN_MS,
      restart: spec.restart,
      ...(bwrap === undefined ? {} : { sandbox: { bwrap, writable: [cwd, home], readable: readableFor(path, toolHomes) } }),
      host: components.host,
      ...(port === undefined ? {} : { port }),
      ...(portBefore === undefined ? {} : { portBefore }),
    }
  }
}

/** The folder as its spec says: a repository, a packed folder, single files, or empty. */
async function fill(components: StageComponents, spec: ServiceSpec, cwd: string, author: PeerId, signal: AbortSignal): Promise<void> {
  const { blobs, fetch, clone, clock } = components
  if (spec.repo !== undefined) {
    await clone({ url: spec.repo, ...(spec.ref === undefined ? {} : { ref: spec.ref }), dir: cwd, clock, signal, onProgress() {} })
    return
  }
  await mkdir(cwd, { recursive: true })
  if (spec.dir !== undefined) {
    await fetch.need('The folder of the service', spec.dir.hash, author, signal)
    await unpackFolder(blobs.open(spec.dir.hash), cwd, signal)
  }
  for (const { path, hash } of spec.files ?? []) {
    if (!isSafePath(path))
      throw new NimbusError('file-refused', `The file ${JSON.stringify(path)} would lie outside the folder.`, { kind: 'refused' })
    await fetch.need(`The file ${path} of the service`, hash, author, signal)
    if (spec.files?.length === 1 && (await isTar(blobs.pathOf(hash)))) await unpackFolder(blobs.open(hash), cwd, signal)
    else {
      await mkdir(dirname(join(cwd, path)), { recursive: true })
      await writeFile(join(cwd, path), blobs.open(hash))
      // Whether it was a program is not kept with its content: it may be one.
      await chmod(join(cwd, path), 0o755)
    }
  }
}

async function isTar(file: string): Promise<boolean> {
  const handle = await open(file)
  try {
    const { buffer } = await handle.read(Buffer.alloc(TAR_MAGIC.text.length), 0, TAR_MAGIC.text.length, TAR_MAGIC.at)
    return buffer.toString('latin1') === TAR_MAGIC.text
  } finally {
    await handle.close()
  }
}

function noCommand(name: string): never {
  throw new NimbusError(
    'no-command',
    `Nothing says how ${name} is run: no command was given, and nimbus.yaml of the repository has none.`,
    {
      kind: 'usage',
      cure: `Give it after --, or write services.${name}.run into nimbus.yaml.`,
    },
  )
}

function requireBubblewrap(path: string): string {
  const found = findTool('bwrap', path)
  if (found !== undefined) return found
  throw new NimbusError('no-sandbox', 'There is no bubblewrap on this machine, and a service does not run without a sandbox.', {
    kind: 'refused',
    cure: 'Install it (apt-get install bubblewrap), or name it yourself: --sandbox none.',
  })
}

/** Where the tools of the path lie, beside the system's own folders. */
function readableFor(path: string, toolHomes: Readonly<Record<string, string>>): string[] {
  const folders = path.split(delimiter).filter((folder) => folder.startsWith('/') && !/^\/(usr(?!\/local\/go)|bin|sbin|lib)/.test(folder))
  const whole = folders.map((folder) => (folder.endsWith('/node_modules/.bin') ? dirname(folder) : folder))
  return [...new Set([...whole, ...Object.values(toolHomes)])].filter((folder) => existsSync(folder))
}

export async function readPort(file: string): Promise<number | undefined> {
  const port = Number(await readFile(file, 'utf8').catch(() => '')) // not there before its first start here
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined
}
