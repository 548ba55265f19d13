// What `nimbus up` starts with: nimbus.config.{json,ts} of the data folder, then of the working folder, then NIMBUS_*
// variables, then flags; later ones win. Every key is checked, unknown ones are refused. Must never start anything.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as z from 'zod'
import { repoAddress } from '../protocols/http/task-request.ts'
import { NimbusError } from './kernel/errors.ts'
import { formatDuration, parseDuration } from './kernel/durations.ts'
import { isLoopback, parseHostPort } from './kernel/host-port.ts'
import type { UpgradeOptions } from './upgrade/policy.ts'
import { followSetting, upgradeOptions, upgradeSetting } from './upgrade/settings.ts'

export type UpOptions = {
  dataDir: string
  name?: string
  http: { host: string; port: number }
  /** Multiaddresses; empty means all interfaces and a port kept for next time. */
  listen: string[]
  join?: string
  repo?: string
  roles: string[]
  skills: string[]
  labels: Record<string, string>
  pool?: string
  slots?: number
  preset: 'local' | 'lan' | 'wan'
  mdns: boolean
  accept: string[]
  auth: 'token' | 'none'
  /** Tasks of this node that may be open at once, and their bytes. */
  maxOpenTasks: number
  maxOpenBytes: number
  /** Where the services of this worker listen. */
  serviceHost: string
  /** Milliseconds that this node keeps the files of a task that has ended. */
  retention: number
  /** Of all caches of builds of this node; 0 for none. */
  cacheBytes: number
  /** Where this worker follows a repository. */
  upgrade?: UpgradeOptions
}

/** The ready line. `http` is a bare origin, `pid` the process that owns the sockets. */
export type ReadyInfo = { name: string; http: string; signInUrl: string; peerId: string; mesh: string; addresses: string[]; pid: number }

/** The same keys in each source; lists and labels of a later source replace those of an earlier one. */
export type ConfigValues = Partial<Record<keyof typeof KEYS, unknown>>

const word = z.string().regex(/^[\w.:@/-]{1,128}$/, 'must be 1 to 128 letters, digits or . _ - : @ /')
const KEYS = {
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'must be 1 to 63 letters, digits or . _ - and begin with a letter or digit'),
  http: z.string().transform((value, context) => parseHostPort(value) ?? refuse(context, 'must be HOST:PORT, as 127.0.0.1:7777')),
  listen: z
    .array(z.string().regex(/^\/(ip4|ip6|dns|dns4|dns6)\/[^\s]{1,200}$/, 'must be a multiaddress, as /ip4/0.0.0.0/tcp/4001'))
    .max(16),
  join: z.string().min(1, 'must be an invite').max(8192),
  repo: repoAddress,
  roles: z.array(word).max(32),
  skills: z.array(word).max(64),
  labels: z.record(word, z.string().max(256)),
  pool: word,
  slots: z.int('must be a whole number').min(0, 'must be 0 or more').max(1024, 'must be 1024 or less'),
  preset: z.enum(['local', 'lan', 'wan'], 'must be local, lan or wan'),
  mdns: z.boolean('must be true or false'),
  accept: z.array(z.string().min(1).max(256)).max(64),
  auth: z.enum(['token', 'none'], 'must be token or none'),
  serviceHost: z.union([z.ipv4(), z.ipv6()], 'must be an IP address of this machine, as 127.0.0.1 or 0.0.0.0'),
  maxOpenTasks: z.int('must be a whole number').min(1, 'must be 1 or more').max(10_000_000, 'must be 10000000 or less'),
  maxOpenBytes: z.int('must be a whole number of bytes').min(1024, 'must be 1024 or more'),
  retention: z
    .string('must be a duration, as 7d')
    .transform(
      (value, context) =>
        retentionOf(value) ?? refuse(context, `must be a duration of ${formatDuration(RETENTION_MS_MIN)} or more, as 12h or 7d`),
    ),
  cacheBytes: z.int('must be a whole number of bytes').min(0, 'must be 0 or more'),
  follow: followSetting,
  upgrade: upgradeSetting,
}
const RETENTION_MS = 7 * 86_400_000
/** A log has to be there when its task is shown as ended. */
const RETENTION_MS_MIN = 1_000
const FILE_BYTES_MAX = 256 * 1024
const FILE_NAMES = ['nimbus.config.json', 'nimbus.config.ts']
// Variables with our prefix that are not keys: they belong to the CLI or to the work that a worker runs.
const OTHER_VARIABLES = new Set(['CLAUDE', 'DATA', 'URL', 'TOKEN', 'DEBUG', 'TASK', 'FENCE', 'ATTEMPT', 'WORKER', 'SUPERVISED'])
const NUMBERS = new Set<string>(['slots', 'maxOpenTasks', 'maxOpenBytes', 'cacheBytes'])
const LISTS = new Set<string>(['listen', 'roles', 'skills', 'accept'])

/**
 * Reads and checks all sources.
 * @param flags values of the command line under the same keys
 * @throws NimbusError `config-invalid` that names source, key, value and cure
 */
export async function loadConfig(where: {
  dataDir: string
  workDir: string
  env: NodeJS.ProcessEnv
  flags: ConfigValues
}): Promise<UpOptions> {
  const merged: Record<string, unknown> = {}
  for (const folder of new Set([where.dataDir, where.workDir])) {
    for (const name of FILE_NAMES) {
      const file = join(folder, name)
      const values = await readConfigFile(file)
      if (values !== undefined) Object.assign(merged, check(values, file))
    }
  }
  Object.assign(merged, check(fromEnvironment(where.env), 'the environment'), check(where.flags, 'the command line'))
  const { follow, upgrade, ...values } = merged
  const upgrading = upgradeOptions(upgrade, follow as string | undefined)
  const options = {
    http: { host: '127.0.0.1', port: 7777 },
    listen: [],
    roles: [],
    skills: [],
    labels: {},
    preset: 'lan',
    mdns: false,
    accept: [],
    auth: 'token',
    serviceHost: '127.0.0.1',
    maxOpenTasks: 100_000,
    maxOpenBytes: 256 * 1024 * 1024,
    retention: RETENTION_MS,
    cacheBytes: 2 * 1024 ** 3,
    ...values,
    ...(upgrading === undefined ? {} : { upgrade: upgrading }),
    dataDir: where.dataDir,
  } as UpOptions
  if (options.auth === 'none' && !isLoopback(options.http.host)) {
    throw new NimbusError(
      'auth-needs-loopback',
      `auth is none and http is ${options.http.host}: without a token the API may only listen on loopback, because whoever reaches it may run commands here.`,
      { kind: 'usage', cure: 'Use --http 127.0.0.1:7777, or leave out --auth none.' },
    )
  }
  return options
}

function check(values: Record<string, unknown>, source: string): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue
    if (!Object.hasOwn(KEYS, key))
      throw invalid(`${source}: the key ${show(key)} is not known.`, `Remove it. Known keys: ${Object.keys(KEYS).join(', ')}.`)
    const parsed = KEYS[key as keyof typeof KEYS].safeParse(value)
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      const path = [key, ...(issue?.path ?? [])].join('.')
      throw invalid(
        `${source}: ${path} is ${show(value)}: ${issue?.message ?? 'not valid'}.`,
        'Correct the value or leave the key out; `nimbus up --help` lists every key.',
      )
    }
    out[key] = parsed.data
  }
  return out
}

async function readConfigFile(file: string): Promise<Record<string, unknown> | undefined> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw invalid(`${file} cannot be read: ${error.message}.`, 'Give this user the right to read it, or remove it.')
  })
  if (found === undefined) return undefined
  if (!found.isFile() || found.size > FILE_BYTES_MAX)
    throw invalid(`${file} is not a file of at most ${FILE_BYTES_MAX} bytes.`, 'Replace it by a plain file.')
  const value: unknown = file.endsWith('.ts') ? await importConfig(file) : parseJson(file, await readFile(file, 'utf8'))
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${file} does not hold an object.`, 'Write it as {"name": "box"}.')
  return value as Record<string, unknown>
}

async function importConfig(file: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(file).href)) as { config?: unknown; default?: unknown }
    return module.config ?? module.default
  } catch (error) {
    throw new NimbusError('config-invalid', `${file} cannot be loaded: ${(error as Error).message}.`, {
      kind: 'usage',
      cure: 'Correct it; it has to export `config`.',
      cause: error,
    })
  }
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (error) {
    throw invalid(`${file} is not JSON: ${(error as Error).message}.`, 'Correct it, or remove it to use the defaults.')
  }
}

/** NIMBUS_ROLES=a,b and NIMBUS_LABELS=k=v,k=v, NIMBUS_MAX_OPEN_TASKS for maxOpenTasks; other keys as they are. */
function fromEnvironment(env: NodeJS.ProcessEnv): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('NIMBUS_') || value === undefined || value === '' || OTHER_VARIABLES.has(variable.slice(7))) continue
    const key = variable
      .slice(7)
      .toLowerCase()
      .replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    if (LISTS.has(key)) out[key] = value.split(',').map((item) => item.trim())
    else if (key === 'labels') out[key] = Object.fromEntries(value.split(',').map((pair) => pair.split(/=(.*)/s, 2)))
    else if (NUMBERS.has(key)) out[key] = /^\d+$/.test(value) ? Number(value) : value
    else if (key === 'mdns') out[key] = value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value
    else out[key] = value
  }
  return out
}

function retentionOf(text: string): number | undefined {
  const ms = parseDuration(text)
  return ms !== undefined && ms >= RETENTION_MS_MIN ? ms : undefined
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

function invalid(message: string, cure: string): NimbusError {
  return new NimbusError('config-invalid', message, { kind: 'usage', cure })
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
