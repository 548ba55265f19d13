// The process above a node that follows a repository: starts the version that the pointer names, starts another when the node asks for
// it, and brings the old one back where the new one does not get healthy in time. It knows nothing of the mesh.
import { join } from 'node:path'
import { type Clock, sleep } from '../../kernel/clock.ts'
import type { NodeWord, VersionProcess } from '../../runner/commands/version-process.ts'
import type { Pointer, Version } from './pointer.ts'

export type SupervisorComponents = {
  clock: Clock
  /** Starts a version; its words go to `onWord`. `http` is where the one before was to be found. */
  start(entry: string, http: string | undefined, onWord: (word: NodeWord) => void): VersionProcess
  pointer: { read(): Promise<Pointer>; write(pointer: Pointer): Promise<void> }
  /** The program that was started by hand. */
  own: Version
  /** Hands signals for the node over; returns how to stop that. */
  onSignal(to: (name: NodeJS.Signals, heard: boolean) => void): () => void
  note(text: string): void
}

/** As long as a version may take to be healthy where the node before knows nothing better, and at most; and to end when it is not wanted. */
const HEALTHY_MS = 30_000
const HEALTHY_MS_MAX = 300_000
const END_MS = 10_000
/** A version that dies by itself within this time after it was found healthy was not. */
const PROBATION_MS = 60_000

/** `patienceMs`: how long it may take to be healthy on this machine, as its proof has shown. */
type Trial = Version & { patienceMs?: number | undefined }
type End = { code: number; asked: Trial | undefined; unhealthy: string | undefined }

/** Settles with the exit code of the last node, when that has ended without asking for another. */
export async function supervise(components: SupervisorComponents): Promise<number> {
  const { pointer, own, note } = components
  let stopping = false
  let http: string | undefined
  let node: VersionProcess | undefined
  const off = components.onSignal((name, heard) => {
    stopping = true
    if (!heard) node?.signal(name)
  })
  const run = (version: Trial, onTrial: boolean, healthy: () => Promise<void>): Promise<End> =>
    runOne(components, version, onTrial, {
      http,
      healthy,
      started: (process) => void (node = process),
      ready: (origin) => void (http = origin),
      isStopping: () => stopping,
    })
  try {
    // A trial that a crash of the machine cut off was not proven: the version before goes on, and the commit may be tried again.
    const { trial: _cutOff, ...found } = await pointer.read()
    let at: Pointer = found
    await pointer.write(at)
    for (let trial: Trial | undefined; ; ) {
      const version: Trial = trial ?? at.current ?? own
      const before = at
      const end = await run(version, trial !== undefined, async () => {
        const { trial: _over, ...kept } = at
        at = { ...kept, current: { commit: version.commit, dir: version.dir }, previous: before.current ?? own }
        await pointer.write(at)
      })
      if (stopping) return end.code
      if (end.unhealthy !== undefined) {
        note(`${version.commit.slice(0, 12)} is taken back: ${end.unhealthy}`)
        const { trial: _over, ...kept } = before
        at = { ...kept, fallen: { commit: version.commit, reason: end.unhealthy, atMs: components.clock.wallMs() } }
        await pointer.write(at)
        trial = undefined
        continue
      }
      if (end.asked === undefined) return end.code
      trial = end.asked
      const { fallen: _over, ...kept } = at
      at = { ...kept, trial: trial.commit }
      await pointer.write(at)
    }
  } finally {
    off()
  }
}

type Watch = {
  http: string | undefined
  healthy(): Promise<void>
  started(process: VersionProcess): void
  ready(http: string): void
  isStopping(): boolean
}

async function runOne({ clock, start }: SupervisorComponents, version: Trial, onTrial: boolean, watch: Watch): Promise<End> {
  const limitMs = Math.min(Math.max(version.patienceMs ?? 0, HEALTHY_MS), HEALTHY_MS_MAX)
  let asked: Trial | undefined
  let healthyAtMs: number | undefined
  let wasReady = false
  const isHealthy = Promise.withResolvers<'healthy'>()
  const process = start(join(version.dir, 'node', 'nimbus.js'), watch.http, (word) => {
    if (word.say === 'ready') {
      wasReady = true
      watch.ready(word.http)
    } else if (word.say === 'healthy') isHealthy.resolve('healthy')
    else if (word.say === 'switch') asked = { commit: word.commit, dir: word.dir, patienceMs: word.patienceMs }
  })
  watch.started(process)
  if (onTrial) {
    const first = await Promise.race([process.ended, isHealthy.promise, sleep(clock, limitMs).then(() => 'late' as const)])
    if (first === 'late' && !watch.isStopping()) {
      await endIt(clock, process)
      return { code: 1, asked: undefined, unhealthy: because(`it was not healthy within ${Math.round(limitMs / 1000)} s`, process) }
    }
    // A node that was up and ends well has been asked to.
    if (first === 0 && wasReady) return { code: 0, asked: undefined, unhealthy: undefined }
    if (typeof first === 'number')
      return { code: first, asked: undefined, unhealthy: because(`it ended with ${first} before it was healthy`, process) }
    await watch.healthy()
    healthyAtMs = clock.nowMs()
  }
  const code = await process.ended
  const soon = healthyAtMs !== undefined && clock.nowMs() - healthyAtMs < PROBATION_MS
  if (soon && code !== 0 && asked === undefined)
    return { code, asked, unhealthy: because(`it ended with ${code} within ${PROBATION_MS / 1000} s`, process) }
  return { code, asked, unhealthy: undefined }
}

async function endIt(clock: Clock, process: VersionProcess): Promise<void> {
  process.signal('SIGTERM')
  await Promise.race([process.ended, sleep(clock, END_MS)])
  process.signal('SIGKILL')
  await process.ended
}

/** The last lines that it wrote say more than its exit code. */
function because(what: string, process: VersionProcess): string {
  const lines = process
    .errors()
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('at ') && !line.startsWith('Node.js '))
  const error = lines.find((line) => /^(\w*Error|nimbus)\b.*:/.test(line)) ?? lines.at(-1)
  return error === undefined ? what : `${what}: ${error.slice(0, 300)}`
}
