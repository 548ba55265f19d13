// A task as a client asks for it, in REST, CLI and SDKs. What is signed and stored is `taskSpec` in records.ts.
import * as z from 'zod'
import { verb, VERBS } from '../agents/capability.ts'
import { AFTER_MAX, PUBLISH_MAX } from '../limits.ts'
import { checkoutRequest } from '../repos/checkout.ts'
import { repoUser } from '../repos/repo-records.ts'
import { terminalSize } from '../terminals/frames.ts'

// Text that can be signed, spawned and shown: no NUL (it would end an argument early), no half of a surrogate pair.
const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'no NUL and no lone surrogate')
const word = text(128).min(1)
export const durationText = z.union([z.int().min(1), z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'a duration such as 500ms 30s 15m 7d')])

const taskIdText = z.string().regex(/^[0-9a-hjkmnp-tv-z]{26}$/, 'a task ID')
const blobRef = z.strictObject({ hash: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hex'), size: z.int().min(0) })

/** It becomes a variable of the work's environment. */
export const secretName = z
  .string()
  .max(64)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name of letters, digits and _, as API_KEY')

/** Every member keeps it: it may hold no password. */
export const repoAddress = z
  .url({ protocol: /^(https?|ssh|nimbus)$/, error: 'must be an https, http, ssh or nimbus address' })
  .max(2048)
  .refine((value) => {
    const { protocol, username, password } = URL.canParse(value) ? new URL(value) : { protocol: '', username: '', password: '' }
    return password === '' && (protocol === 'ssh:' || username === '')
  }, 'must be an address without credentials; set them apart: nimbus repo auth set HOST --secret NAME')

/** How a build is done, where not as usual. */
const buildRequest = z.strictObject({
  /** False: everything is fetched anew, and nothing is left for other builds. */
  cache: z.boolean().optional(),
  /** When it failed for good: build the newest commit of the same ref again that was good before. */
  lastGood: z.boolean().optional(),
  /** When it failed by a fault of the code: a session of an agent that may spend so much; it commits to a branch of its own. */
  repair: z.strictObject({ budgetUsd: z.number().gt(0).max(1_000) }).optional(),
})

/** As far as a browser can tell. */
const PEER_ID = /^12D3Koo[1-9A-HJ-NP-Za-km-z]{45}$/

/** A task as a client asks for it. Durations are milliseconds or text such as `30s`. */
export const taskRequest = z
  .strictObject({
    kind: z.enum(['shell', 'noop', 'build', 'terminal']).default('shell'),
    name: text(200).optional(),
    argv: z.array(text(32_768)).max(1024).default([]),
    repo: repoAddress.optional(),
    ref: z
      .string()
      .min(1)
      .max(256)
      .regex(/^[^-\s][^\s]*$/, 'a branch, tag or commit')
      .optional(),
    /** With which secret the repository is read; the command does not get it. */
    repoAuth: z.strictObject({ secret: secretName, user: repoUser.optional() }).optional(),
    /** How much of the repository is cloned: `depth` commits of history (1), of all folders only `sparse`, with its `submodules`. */
    checkout: checkoutRequest.optional(),
    worker: word.optional(),
    skills: z.array(word).max(32).optional(),
    roles: z.array(word).max(32).optional(),
    pool: word.optional(),
    labels: z.record(word, text(256)).optional(),
    /** Labels that a worker should rather have. */
    prefer: z.record(word, text(256)).optional(),
    resources: z
      .strictObject({
        cpus: z.number().min(0).max(4096).optional(),
        memoryMb: z.int().min(0).optional(),
        diskMb: z.int().min(0).optional(),
        gpus: z.int().min(0).max(1024).optional(),
        freeMemoryMb: z.int().min(0).optional(),
      })
      .optional(),
    /** 9 runs first, 0 last. */
    priority: z.int().min(0).max(9).default(5),
    /** The whole run of the command; the other three: unclaimed, preparing, silent. */
    timeout: durationText.optional(),
    queueTimeout: durationText.optional(),
    startTimeout: durationText.optional(),
    heartbeatTimeout: durationText.optional(),
    attempts: z.int().min(1).max(100).default(1),
    /** The first pause between attempts, doubled each time up to `backoffMax`. */
    backoff: durationText.optional(),
    backoffMax: durationText.optional(),
    delay: durationText.optional(),
    env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a variable name'), text(32_768)).optional(),
    /** Tasks that have to succeed first; with `afterAny` they only have to end. */
    after: z.array(taskIdText).max(AFTER_MAX).optional(),
    afterAny: z.boolean().optional(),
    /** In a batch: tasks of the same batch by their place in it, counted from 0. */
    afterIndex: z.array(z.int().min(0)).max(AFTER_MAX).optional(),
    /** Names that begin with @ are the mesh's own. */
    dedupe: text(256).regex(/^[^@]/, 'a key that does not begin with @').optional(),
    claim: z.enum(['exclusive', 'available']).optional(),
    reconcile: z.enum(['first', 'newest', 'original', 'longest']).optional(),
    concurrency: z
      .array(z.strictObject({ key: word, limit: z.int().min(1).max(100_000) }))
      .max(8)
      .optional(),
    rate: z
      .array(z.strictObject({ key: word, limit: z.int().min(1).max(100_000), per: durationText }))
      .max(8)
      .optional(),
    lostAfter: durationText.optional(),
    /** Files to keep when it succeeds, as globs below its folder. */
    artifacts: z.array(text(512).min(1)).max(64).optional(),
    /** A packed folder (tar) and the bytes of stdin, put there before with `POST /api/blobs`. */
    dir: blobRef.optional(),
    stdin: blobRef.optional(),
    secrets: z.array(secretName).max(32).optional(),
    budgetUsd: z.number().min(0).max(1_000_000).optional(),
    build: buildRequest.optional(),
    /** Of a terminal when it opens. */
    size: terminalSize.optional(),
    group: word.optional(),
    /** What its own token may do; never more than that of the task that publishes it. */
    may: z.array(verb).max(VERBS.length).optional(),
  })
  .refine(({ kind, argv }) => (kind === 'shell' || kind === 'terminal' ? argv.length > 0 : argv.length === 0), {
    path: ['argv'],
    message: 'a shell task and a terminal need a command, the other kinds have none',
  })
  .refine(({ kind, worker, claim }) => kind !== 'terminal' || (worker !== undefined && PEER_ID.test(worker) && claim !== 'available'), {
    path: ['worker'],
    message: 'a terminal belongs to one worker, named by its peer ID; POST /api/terminals takes its name',
  })
  .refine(({ kind, size }) => kind === 'terminal' || size === undefined, { path: ['size'], message: 'only a terminal has a size' })
  .refine(({ kind, repo, dir }) => kind !== 'build' || repo !== undefined || dir !== undefined, {
    path: ['repo'],
    message: 'a build needs a repository or a folder',
  })
  .refine(({ kind, build }) => kind === 'build' || build === undefined, {
    path: ['build'],
    message: 'only a build is done in a way of its own',
  })
  .refine(({ repo, dir }) => repo === undefined || dir === undefined, {
    path: ['dir'],
    message: 'a task runs in a repository or in a shipped folder, not in both',
  })
  .refine(({ repo, repoAuth }) => repoAuth === undefined || repo !== undefined, {
    path: ['repoAuth'],
    message: 'it belongs to a repository, and none is given',
  })
  .refine(({ repo, checkout }) => checkout === undefined || repo !== undefined, {
    path: ['checkout'],
    message: 'it belongs to a repository, and none is given',
  })
  .meta({ id: 'TaskRequest' })
export type TaskRequest = z.infer<typeof taskRequest>

export const publishMany = z.strictObject({ tasks: z.array(taskRequest).min(1).max(PUBLISH_MAX) }).meta({ id: 'PublishMany' })

/** What work says of itself while it runs. `costUsd` is what it cost in all so far. */
export const progressReport = z
  .strictObject({
    percent: z.number().min(0).max(100).optional(),
    message: text(500).optional(),
    costUsd: z.number().min(0).max(1_000_000).optional(),
  })
  .meta({ id: 'ProgressReport' })
export type ProgressReport = z.infer<typeof progressReport>
