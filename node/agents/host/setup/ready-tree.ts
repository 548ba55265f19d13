// A fresh work tree made usable before the agent's first turn, as the repository's nimbus.yaml asks: free ports and values in an `.env`,
// dependencies by its own commands. All of it runs in the session's sandbox; what it makes is not part of the session's work.
import { lstatSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { AgentEvent } from '../../../../protocols/agents/agent-events.ts'
import { type Override, readOverride } from '../../../builds/override.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { messageOf } from '../../../kernel/errors.ts'
import type { Enclosure } from '../enclosure.ts'
import type { Places } from '../notes/host-order.ts'
import type { Ending } from '../session-parts.ts'

export type ReadyTreeParts = {
  clock: Clock
  places: Places
  enclosure: Pick<Enclosure, 'launch' | 'script'>
  environment: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
  emit(event: AgentEvent): void
}
type Wish = NonNullable<Override['session']>

const YAML_BYTES_MAX = 64 * 1024
const COMMAND_MS_MAX = 600_000
const WORDS_SHOWN = 200

/** Never over a file that the repository brings; what is new afterwards is kept out of commits. */
const WRITE_ENV = 'set -C; printf "%s" "$1" > .env'
const EXCLUDE_NEW = 'mkdir -p .git/info && git ls-files --others --exclude-standard --directory | sed "s|^|/|" >> .git/info/exclude'

/** Undefined where the session can begin; done once for each folder. */
export async function readyTree(parts: ReadyTreeParts): Promise<Ending | undefined> {
  const { places, emit } = parts
  const done = join(places.run, 'ready.json')
  if (isFile(done)) return undefined
  let wish: Wish | undefined
  try {
    wish = wishOf(places.tree)
  } catch (error) {
    return failed(messageOf(error))
  }
  if (wish !== undefined) {
    await writeEnv(parts, wish)
    for (const argv of wish.setup ?? []) {
      emit({ type: 'note', text: `prepares the work tree: ${argv.join(' ').slice(0, WORDS_SHOWN)}` })
      const wrong = await runSetup(parts, argv)
      // The worker stops: the next process begins again.
      if (parts.signal.aborted) return undefined
      if (wrong !== undefined) return failed(wrong)
    }
    if (isFile(join(places.tree, '.git', 'HEAD'))) await parts.enclosure.script(EXCLUDE_NEW, [], { writable: [] })
  }
  await writeFile(done, JSON.stringify({ at: parts.clock.wallMs() }))
  return undefined
}

function wishOf(tree: string): Wish | undefined {
  const file = join(tree, 'nimbus.yaml')
  const facts = lstatSync(file, { throwIfNoEntry: false })
  return facts?.isFile() === true && facts.size <= YAML_BYTES_MAX ? readOverride(readFileSync(file, 'utf8')).session : undefined
}

async function writeEnv({ places, enclosure, emit }: ReadyTreeParts, { env = {}, ports = [] }: Wish): Promise<void> {
  const free = await freePorts(ports.length)
  const values = { ...env, ...Object.fromEntries(ports.map((name, at) => [name, String(free[at])])) }
  const text = Object.entries(values).map(([name, value]) => `${name}=${value}\n`)
  if (text.length === 0) return
  if (lstatSync(join(places.tree, '.env'), { throwIfNoEntry: false }) !== undefined)
    return emit({
      type: 'note',
      text: 'The repository brings an .env of its own: the values and ports of its nimbus.yaml were not written.',
    })
  await enclosure.script(WRITE_ENV, [text.join('')], { writable: [] })
}

/** Free at this moment, each another one. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<Server>((resolve) =>
          createServer().listen(0, '127.0.0.1', function (this: Server) {
            resolve(this)
          }),
        ),
    ),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** @returns what went wrong */
async function runSetup(
  { clock, places, enclosure, environment, signal }: ReadyTreeParts,
  argv: readonly string[],
): Promise<string | undefined> {
  let last = ''
  let tooLong = false
  const pipe = enclosure.launch({
    argv,
    env: {
      PATH: environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
      HOME: places.home,
      LANG: environment['LANG'] ?? 'C.UTF-8',
      CI: 'true',
    },
    readable: [],
    onLine: (line) => (last = line.trim() === '' ? last : line),
    onLongLine: () => {},
  })
  pipe.closeInput()
  const kill = (): void => pipe.signal('SIGKILL')
  const cancel = clock.after(COMMAND_MS_MAX, () => ((tooLong = true), kill()))
  signal.addEventListener('abort', kill, { once: true })
  const { exitCode, signal: by, errors } = await pipe.ended
  cancel()
  signal.removeEventListener('abort', kill)
  if (exitCode === 0) return undefined
  const end = tooLong
    ? `took longer than ${COMMAND_MS_MAX / 60_000} minutes`
    : exitCode === undefined
      ? `was ended by ${by}`
      : `ended with ${exitCode}`
  const said = errors.trim().split('\n').at(-1) || last
  return `${argv.join(' ').slice(0, WORDS_SHOWN)} ${end}${said === '' ? '' : `: ${said.slice(0, WORDS_SHOWN)}`}`
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function failed(why: string): Ending {
  return {
    state: 'failed',
    reason: {
      code: 'setup-failed',
      message: `The work tree could not be prepared as its nimbus.yaml asks: ${why}.`,
      cure: 'Mend session.setup there. Hosts that it fetches from have to be allowed: nimbus session start --network HOST.',
    },
  }
}
