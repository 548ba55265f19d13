// What the REST API and the event stream serve. The CLI, the dashboard and the SDKs read these shapes; field names
// follow the outside surface. Times are milliseconds since 1970 unless a name ends in another unit.
import * as z from 'zod'
import { PUBLISH_MAX } from '../limits.ts'
import { durationText } from './task-request.ts'

export const taskState = z.enum(['blocked', 'scheduled', 'ready', 'running', 'succeeded', 'failed', 'dead', 'cancelled'])
export type TaskStateName = z.infer<typeof taskState>

export const waitingView = z
  .object({
    code: z.string(),
    message: z.string(),
    since: z.int(),
    cure: z.string(),
    /** The first of the tasks that it waits for. */
    on: z.array(z.object({ id: z.string(), state: z.string() })).optional(),
  })
  .meta({ id: 'Waiting' })
export type WaitingView = z.infer<typeof waitingView>

export const artifactView = z.object({ path: z.string(), hash: z.string(), size: z.int() }).meta({ id: 'Artifact' })
export type ArtifactView = z.infer<typeof artifactView>
const timeoutKind = z.enum(['queue', 'start', 'heartbeat', 'total'])

export const attemptView = z
  .object({
    epoch: z.int(),
    worker: z.string(),
    workerName: z.string(),
    startedAt: z.int(),
    endedAt: z.int().optional(),
    outcome: z.enum(['running', 'succeeded', 'failed', 'cancelled', 'lost']),
    exitCode: z.int().optional(),
    signal: z.string().optional(),
    timedOut: z.boolean().optional(),
    timeout: timeoutKind.optional(),
    error: z.string().optional(),
    costUsd: z.number().optional(),
  })
  .meta({ id: 'Attempt' })
export type AttemptView = z.infer<typeof attemptView>

export const taskView = z
  .object({
    id: z.string(),
    state: taskState,
    spec: z.looseObject({ argv: z.array(z.string()) }),
    author: z.string(),
    authorName: z.string(),
    createdAt: z.int(),
    updatedAt: z.int(),
    attempts: z.array(attemptView),
    result: z
      .object({
        exitCode: z.int().optional(),
        signal: z.string().optional(),
        timedOut: z.boolean().optional(),
        /** Which of the time-outs ended it. */
        timeout: timeoutKind.optional(),
        error: z.string().optional(),
        endedAt: z.int(),
        artifacts: z.array(artifactView).optional(),
        costUsd: z.number().optional(),
        /** Of a build. */
        build: z
          .object({
            commit: z.string().optional(),
            commands: z.int(),
            failure: z.string().optional(),
            reason: z.string().optional(),
            flaky: z.boolean().optional(),
            /** Of a failed build: the newest one of the same repository and ref that succeeded. */
            lastGood: z.object({ task: z.string(), commit: z.string() }).optional(),
            /** Tools that the worker lacked: it goes on where they are. */
            needs: z.array(z.object({ name: z.string(), version: z.string().optional(), reason: z.string().optional() })).optional(),
            /** The downloads that it used (`hit`) or left for other builds. */
            cache: z.object({ key: z.string(), hash: z.string(), size: z.int(), hit: z.boolean() }).optional(),
          })
          .optional(),
        log: z.object({ hash: z.string(), size: z.int() }).optional(),
        tail: z.string().optional(),
        /** What its repository names and its folder did not hold (content of LFS, submodules), and what helps. */
        notes: z.array(z.string()).optional(),
      })
      .optional(),
    group: z.string(),
    waiting: waitingView.optional(),
    cancelRequested: z.boolean().optional(),
    /** The outcome shown is not settled by the keepers yet. */
    provisional: z.boolean().optional(),
    /** What the running attempt is doing: cloning (percent), working (as the work itself says). */
    progress: z
      .object({ phase: z.string(), message: z.string(), percent: z.number().optional(), costUsd: z.number().optional() })
      .optional(),
  })
  .meta({ id: 'Task' })
export type TaskView = z.infer<typeof taskView>

/** Which tasks to run again: those named, or all that are dead or failed (and mention `q`). */
export const retryNamed = z.strictObject({ ids: z.array(z.string().max(64)).min(1).max(PUBLISH_MAX) })
export const retryAll = z.strictObject({ state: z.enum(['dead', 'failed']), q: z.string().max(200).optional() })
export const retryRequest = z.union([retryNamed, retryAll]).meta({ id: 'RetryRequest' })
export type RetryRequest = z.infer<typeof retryRequest>
export const retriedView = z.object({ items: z.array(z.object({ id: z.string(), retryOf: z.string() })) }).meta({ id: 'Retried' })
export type RetriedView = z.infer<typeof retriedView>

/** Tasks count for the pool that they ask for. */
export const poolView = z
  .object({
    name: z.string(),
    paused: z.boolean(),
    workers: z.array(z.string()),
    slots: z.int(),
    freeSlots: z.int(),
    open: z.int(),
    running: z.int(),
  })
  .meta({ id: 'Pool' })
export type PoolView = z.infer<typeof poolView>

export const workerView = z
  .object({
    peerId: z.string(),
    name: z.string(),
    self: z.boolean(),
    state: z.enum(['alive', 'suspect', 'dead', 'left']),
    mode: z.enum(['active', 'draining', 'leaving']),
    roles: z.array(z.string()),
    skills: z.array(z.string()),
    labels: z.record(z.string(), z.string()),
    pool: z.string().nullable(),
    repo: z.string().nullable(),
    slots: z.int(),
    freeSlots: z.int(),
    /** Percent of all cores that wanted to run in the last minute; over 100 where more waited than there are cores. */
    load: z.number(),
    memoryFreeMb: z.int(),
    /** What its machine has. */
    resources: z.object({ cpus: z.number(), memoryMb: z.int(), diskMb: z.int(), gpus: z.int() }).optional(),
    /** Tools of builds by name, with their versions; empty text where nobody has asked for the version yet. */
    tools: z.record(z.string(), z.string()).optional(),
    version: z.string(),
    /** Of the tree that it runs, where that tells one; and the protocol that it speaks. */
    commit: z.string().optional(),
    protocol: z.int(),
    memberRole: z.string(),
    keeper: z.boolean(),
    /** Age of the last word from it; -1 where this node has not heard it since its own start. */
    lastSeenMs: z.int(),
    roundTripMs: z.number().nullable(),
    running: z.array(z.string()),
    addresses: z.array(z.string()),
    joinedAt: z.int(),
  })
  .meta({ id: 'Worker' })
export type WorkerView = z.infer<typeof workerView>

export const meshView = z
  .object({
    mesh: z.string(),
    self: workerView,
    members: z.array(workerView),
    group: z.object({ name: z.string(), version: z.int(), seats: z.array(z.string()), reachable: z.int(), majority: z.int() }),
    tasks: z.record(taskState, z.int()),
    foldHash: z.string(),
    entries: z.int(),
    httpAddress: z.string(),
    uptimeMs: z.int(),
  })
  .meta({ id: 'Mesh' })
export type MeshView = z.infer<typeof meshView>

/** A year: an invite that nobody remembers lets in whoever finds it. */
const INVITE_MS_MAX = 366 * 86_400_000
const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const inviteLife = durationText.refine((life) => {
  const [, amount, unit = ''] = typeof life === 'number' ? ['', life, 'ms'] : (/^([\d.]+)(.+)$/.exec(life) ?? [])
  return Number(amount) * (UNIT_MS[unit] ?? Number.NaN) <= INVITE_MS_MAX
}, 'must be at most 366d')

export const inviteRequest = z
  .strictObject({
    role: z.enum(['admin', 'member', 'viewer']).default('member'),
    uses: z.int().min(1).max(100).default(1),
    expires: inviteLife.default('15m'),
  })
  .meta({ id: 'InviteRequest' })
export type InviteRequest = z.infer<typeof inviteRequest>
export const inviteView = z.object({ invite: z.string(), expiresAt: z.int() }).meta({ id: 'Invite' })
export type InviteView = z.infer<typeof inviteView>

/** `cursor` is opaque and valid on every node of the mesh. */
export const eventView = z
  .object({ cursor: z.string(), time: z.int(), type: z.string(), entity: z.string(), id: z.string(), data: z.unknown() })
  .meta({ id: 'Event' })
export type EventView = z.infer<typeof eventView>

/**
 * One piece of a task's output. `offset` counts raw bytes from the start of the attempt's output, those of all three
 * streams in the order in which they came: `offset` plus the bytes of the piece is where the next one begins. Where the
 * bytes are not UTF-8 (or are cut inside a character), `base64` holds them exactly and `text` is for looking at. Plain
 * text leaves the pieces of `system` out.
 */
export const logChunk = z
  .object({
    offset: z.int(),
    stream: z.enum(['stdout', 'stderr', 'system']),
    time: z.int(),
    text: z.string(),
    base64: z.string().optional(),
  })
  .meta({ id: 'LogChunk' })
export type LogChunk = z.infer<typeof logChunk>

/** RFC 9457. `code` is stable, `detail` is for people, `cure` says what to do. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    cure: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' })
export type Problem = z.infer<typeof problem>

export type Page<Item> = { items: Item[]; next?: string }
