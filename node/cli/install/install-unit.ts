// Puts the file of a service manager where it belongs, checked before, and takes it away again. A file that is not ours is never touched,
// and the data folder neither.
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { NimbusError } from '../../kernel/errors.ts'
import { findTool } from '../../runner/commands/find-tools.ts'
import { execFileQuietly } from '../../runner/commands/run-command.ts'
import { MARK } from './units.ts'

export type Manager = 'systemd' | 'launchd'
export type UnitPlace = { manager: Manager; scope: 'user' | 'system'; name: string; file: string }
type Environment = Readonly<Record<string, string | undefined>>

const OUTPUT_BYTES_MAX = 64 * 1024

/** `nimbus` for the usual data folder, else with the name of the folder. */
export function placeOf(manager: Manager, scope: 'user' | 'system', dataDir: string, home: string, env: Environment): UnitPlace {
  const folder = basename(dataDir)
    .replace(/^\.?nimbus-?/, '')
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
  const name = folder === '' ? 'nimbus' : `nimbus-${folder}`
  if (manager === 'launchd') {
    const label = `org.nimbus.${name}`
    const base = scope === 'user' ? join(home, 'Library', 'LaunchAgents') : '/Library/LaunchDaemons'
    return { manager, scope, name: label, file: join(base, `${label}.plist`) }
  }
  const base = scope === 'user' ? join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'systemd', 'user') : '/etc/systemd/system'
  return { manager, scope, name, file: join(base, `${name}.service`) }
}

/** @returns whether something changed @throws NimbusError `unit-foreign`, `unit-refused` */
export async function writeUnit(place: UnitPlace, text: string, env: Environment): Promise<boolean> {
  const before = await readUnit(place)
  if (before === text) return false
  const scratch = join(dirname(place.file), `.${basename(place.file)}.new`)
  await mkdir(dirname(place.file), { recursive: true })
  await assertFit(place, text, env)
  await writeFile(scratch, text, { mode: 0o644 })
  await rename(scratch, place.file)
  return true
}

/** @returns whether there was one */
export async function removeUnit(place: UnitPlace): Promise<boolean> {
  if ((await readUnit(place)) === undefined) return false
  await rm(place.file)
  return true
}

async function readUnit({ file }: UnitPlace): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new NimbusError('unit-unreadable', `${file} cannot be read: ${error.code ?? error.message}.`, { kind: 'refused', cause: error })
  })
  if (text === undefined || text.slice(0, 300).includes(MARK)) return text
  throw new NimbusError('unit-foreign', `${file} was not made by nimbus install, and is left as it is.`, {
    kind: 'refused',
    cure: 'Move it away first, or use another data folder.',
  })
}

/** By the manager's own word, where its tool is here. */
async function assertFit({ manager, scope, file }: UnitPlace, text: string, env: Environment): Promise<void> {
  const path = env['PATH'] ?? ''
  const tool = findTool(manager === 'systemd' ? 'systemd-analyze' : 'plutil', path)
  if (tool === undefined) return
  const dir = await mkdtemp(join(dirname(file), '.nimbus-verify-'))
  try {
    const draft = join(dir, basename(file))
    await writeFile(draft, text)
    const words = manager === 'systemd' ? [`--${scope}`, '--man=no', '--recursive-errors=no', 'verify', draft] : ['-lint', draft]
    // A session without a manager has no folder for it; the tool only wants to look.
    const { exitCode, stdout, stderr } = await execFileQuietly(tool, words, {
      env: { ...known(env), XDG_RUNTIME_DIR: dir },
      outputBytesMax: OUTPUT_BYTES_MAX,
    })
    const said = stderr + stdout
    if (exitCode === 0 || !said.includes(basename(file))) return // what it says does not concern our file: it cannot judge here
    throw new NimbusError('unit-refused', `${manager} would refuse ${basename(file)}: ${said.trim().slice(-500)}.`, {
      cure: 'Report it with these words; nothing was written.',
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Tells the manager. @returns why it did not listen; undefined where it did */
export async function tellManager(place: UnitPlace, wanted: 'start' | 'stop', env: Environment): Promise<string | undefined> {
  const tool = findTool(place.manager === 'systemd' ? 'systemctl' : 'launchctl', env['PATH'] ?? '')
  if (tool === undefined) return `${place.manager} is not on this machine`
  for (const words of commandsFor(place, wanted)) {
    const { exitCode, stderr } = await execFileQuietly(tool, words, { env: known(env), outputBytesMax: OUTPUT_BYTES_MAX })
    if (exitCode !== 0) return stderr.trim().split('\n').at(-1) ?? `exit code ${exitCode}`
  }
  return undefined
}

/** What a person would type. */
export function commandsFor({ manager, scope, name, file }: UnitPlace, wanted: 'start' | 'stop'): string[][] {
  if (manager === 'launchd') return [wanted === 'start' ? ['load', '-w', file] : ['unload', '-w', file]]
  const user = scope === 'user' ? ['--user'] : []
  return wanted === 'start'
    ? [
        [...user, 'daemon-reload'],
        [...user, 'enable', '--now', `${name}.service`],
      ]
    : [[...user, 'disable', '--now', `${name}.service`]]
}

function known(env: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined))
}
