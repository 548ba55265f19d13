// Builds and their files as the REST API shows them.
import * as z from 'zod'
import { artifactView, taskState, waitingView } from '../http/views.ts'

const tool = z.object({ name: z.string(), version: z.string().optional(), reason: z.string().optional() })

export const buildTry = z
  .object({
    phase: z.string(),
    argv: z.array(z.string()),
    dir: z.string(),
    startedAt: z.int(),
    endedAt: z.int(),
    exitCode: z.int().optional(),
    signal: z.string().optional(),
    failure: z.string().optional(),
    reason: z.string().optional(),
    recovery: z.string().optional(),
  })
  .meta({ id: 'BuildTry' })

/** Downloads shared between builds: used, or fetched anew; how many packages, and their bytes. */
export const buildCache = z.object({ key: z.string(), hit: z.boolean(), files: z.int(), size: z.int() }).meta({ id: 'BuildCache' })

/** A build is a task of kind `build`: same ID, same state. */
export const buildView = z
  .object({
    id: z.string(),
    state: taskState,
    repo: z.string().nullable(),
    ref: z.string().nullable(),
    worker: z.string().nullable(),
    createdAt: z.int(),
    updatedAt: z.int(),
    /** While it runs: install, build or test, the command, and how many of all are done. */
    phase: z.string().nullable(),
    step: z.string().nullable(),
    percent: z.number().nullable(),
    commit: z.string().nullable(),
    failure: z.string().nullable(),
    reason: z.string().nullable(),
    flaky: z.boolean(),
    lastGood: z.object({ task: z.string(), commit: z.string() }).nullable(),
    /** What followed its failure: the build of that commit, and the session of an agent that looks for the cause. */
    followedBy: z.object({ lastGood: z.string().optional(), repair: z.string().optional() }).optional(),
    /** Workers that it moved away from, and what they lacked. */
    moves: z.array(z.object({ worker: z.string(), reason: z.string(), needs: z.array(tool) })),
    artifacts: z.array(artifactView),
    /** What its repository names and its folder did not hold, and what helps. */
    notes: z.array(z.string()).optional(),
    waiting: waitingView.nullable(),
  })
  .meta({ id: 'Build' })
export type BuildView = z.infer<typeof buildView>

/** The same with the report of the run that ended it. */
export const buildDetail = buildView
  .extend({
    reasons: z.array(z.string()),
    tools: z.record(z.string(), z.string()),
    tries: z.array(buildTry),
    cache: buildCache.optional(),
  })
  .meta({ id: 'BuildDetail' })
export type BuildDetail = z.infer<typeof buildDetail>

/** What stands behind a file: it is answered only where the signature, the signer and the content are right. */
export const provenanceView = z
  .object({
    hash: z.string(),
    size: z.int(),
    path: z.string(),
    task: z.string(),
    worker: z.string(),
    workerName: z.string(),
    repo: z.string().nullable(),
    ref: z.string().nullable(),
    commit: z.string().nullable(),
    finishedAt: z.string(),
    materials: z.array(z.object({ uri: z.string(), digest: z.record(z.string(), z.string()) })),
    /** The hash of the signed envelope itself: it is a file like any other. */
    envelope: z.string(),
  })
  .meta({ id: 'Provenance' })
export type ProvenanceView = z.infer<typeof provenanceView>
