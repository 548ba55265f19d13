// Services as REST speaks of them. Durations are milliseconds or text such as `30s`, times milliseconds since 1970.
import * as z from 'zod'
import { SERVICE_FILES_MAX } from '../limits.ts'
import { serviceName } from '../services/names.ts'
import { durationText, secretName } from './task-request.ts'

const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'no NUL and no lone surrogate')
const word = text(128).min(1)
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hex')
const path = text(1024)
  .min(1)
  .regex(/^(?!\/)(?!.*(^|[/\\])\.\.([/\\]|$))/, 'a path below the folder')

/** Starts a service, or brings a running one forward to this. */
export const serviceRequest = z
  .strictObject({
    name: serviceName,
    /** `{port}` in a word stands for the port, which is in $PORT too. Without words, nimbus.yaml of the repository says them. */
    argv: z.array(text(32_768)).max(1024).default([]),
    repo: z
      .url({ protocol: /^https?$/ })
      .max(2048)
      .optional(),
    ref: z
      .string()
      .min(1)
      .max(256)
      .regex(/^[^-\s][^\s]*$/, 'a branch, tag or commit')
      .optional(),
    build: z.boolean().optional(),
    dir: z.strictObject({ hash, size: z.int().min(0) }).optional(),
    files: z
      .array(z.strictObject({ path, hash, size: z.int().min(0) }))
      .max(SERVICE_FILES_MAX)
      .optional(),
    /** All files that this task left. */
    task: z
      .string()
      .regex(/^[0-9a-hjkmnp-tv-z]{26}$/, 'a task ID')
      .optional(),
    env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a variable name'), text(32_768)).optional(),
    secrets: z.array(secretName).max(32).optional(),
    port: z.int().min(1).max(65_535).optional(),
    /** `tcp` hands connections on as they are; `http` (the default) hands on requests, and loses none when a revision changes. */
    protocol: z.enum(['http', 'tcp']).default('http'),
    health: text(1024).regex(/^\//, 'a path that begins with /').optional(),
    healthTimeout: durationText.optional(),
    drain: durationText.optional(),
    restart: z.enum(['always', 'on-failure', 'never']).default('always'),
    sandbox: z.enum(['process', 'none']).default('process'),
    /** The worker that runs it, this node where nothing else is said; with `pool`, `skills`, `labels` or `any` it moves when its worker dies. */
    worker: word.optional(),
    pool: word.optional(),
    skills: z.array(word).max(32).optional(),
    labels: z.record(word, text(256)).optional(),
    any: z.boolean().optional(),
    lostAfter: durationText.optional(),
  })
  .refine(({ repo, dir, files, task }) => [repo, dir, files ?? task].filter((one) => one !== undefined).length <= 1, {
    path: ['repo'],
    message: 'only one of a repository, a folder and files',
  })
  .refine(({ argv, repo }) => argv.length > 0 || repo !== undefined, {
    path: ['argv'],
    message: 'a command, or a repository whose nimbus.yaml says one',
  })
  .refine(({ build, repo }) => build !== true || repo !== undefined, { path: ['build'], message: 'only a repository is built' })
  .refine(({ protocol, health }) => protocol === 'http' || health === undefined, {
    path: ['health'],
    message: 'a path is asked over http only',
  })
  .meta({ id: 'ServiceRequest' })
export type ServiceRequest = z.infer<typeof serviceRequest>

export const rollbackRequest = z.strictObject({ revision: z.int().min(1).optional() }).meta({ id: 'RollbackRequest' })

const SERVICE_STATES = [
  'pending',
  'preparing',
  'starting',
  'running',
  'updating',
  'waiting',
  'crash-loop',
  'draining',
  'stopping',
  'stopped',
  'ended',
] as const

export const serviceView = z
  .object({
    name: z.string(),
    /** `pending`: no worker has it yet. `waiting`: between two starts. `ended`: its process ended, and was not to be started again. */
    state: z.enum(SERVICE_STATES),
    desired: z.enum(['running', 'stopped']),
    /** True while the process that is live answers. */
    healthy: z.boolean(),
    worker: z.string().optional(),
    workerName: z.string().optional(),
    /** Where it answers, over all revisions: HOST:PORT of its worker. */
    address: z.string().optional(),
    /** The task that holds it; its log is the log of the service. */
    task: z.string(),
    /** What is wanted, and what runs. */
    revision: z.int(),
    live: z.int().optional(),
    since: z.int().optional(),
    restarts: z.int(),
    reason: z.string().optional(),
    /** A revision that did not get healthy: the one before it stayed. */
    failed: z.object({ revision: z.int(), reason: z.string(), at: z.int() }).optional(),
    rollbackOf: z.int().optional(),
    /** Revisions that can be gone back to, newest first. */
    revisions: z.array(z.object({ revision: z.int(), argv: z.array(z.string()), repo: z.string().optional(), ref: z.string().optional() })),
    author: z.string(),
    authorName: z.string(),
    changedAt: z.int(),
    spec: z.looseObject({ argv: z.array(z.string()) }),
  })
  .meta({ id: 'Service' })
export type ServiceView = z.infer<typeof serviceView>
