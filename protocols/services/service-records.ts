// Services, as members sign them (decision 0024): what is wanted of one, and what the worker that holds it has seen. The newest
// word counts for each. That at most one worker runs a service is not decided here: its task's register does that.
import * as z from 'zod'
import type { BlobHash } from '../ids.ts'
import { SERVICE_FILES_MAX } from '../limits.ts'
import { serviceName } from './names.ts'

const count = z.int().min(0)
const timeMs = z.int().min(0)
const word = z.string().min(1).max(128)
const hash = z.custom<BlobHash>((value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value), 'not a hash')
const port = z.int().min(1).max(65_535)

/** One revision of a service: all that has to be known to run it. Durations in milliseconds. */
export const serviceSpec = z.looseObject({
  /** `{port}` in a word stands for the port; empty: what nimbus.yaml of the repository says. */
  argv: z.array(z.string().max(32_768)).max(1024),
  repo: z.string().max(2048).optional(),
  ref: z.string().max(256).optional(),
  /** Builds the repository before it starts. */
  build: z.boolean().optional(),
  /** A packed folder in which it runs, or files that are put there. */
  dir: z.looseObject({ hash, size: count }).optional(),
  files: z
    .array(z.looseObject({ path: z.string().min(1).max(1024), hash, size: count }))
    .max(SERVICE_FILES_MAX)
    .optional(),
  env: z.record(z.string().max(256), z.string().max(32_768)).optional(),
  secrets: z.array(word).max(32).optional(),
  /** The port that stays; the worker chooses one where it is not given. */
  port: port.optional(),
  protocol: z.enum(['http', 'tcp']),
  /** A path that answers 2xx or 3xx when it is healthy; without one, an open port is enough. */
  health: z.string().max(1024).optional(),
  healthTimeoutMs: z.int().min(1).optional(),
  drainMs: count.optional(),
  restart: z.enum(['always', 'on-failure', 'never']),
  sandbox: z.enum(['process', 'none']),
  /** Which workers may run it. */
  worker: word.optional(),
  pool: word.optional(),
  skills: z.array(word).max(32).optional(),
  labels: z.record(word, z.string().max(256)).optional(),
  lostAfterMs: z.int().min(1).optional(),
})
export type ServiceSpec = z.infer<typeof serviceSpec>

/**
 * What is wanted. A generation is one task; a new one begins where the service starts after a stop, or moves. A revision is one
 * spec; `launch` grows by one where it is to be started anew as it is.
 */
export const serviceRecord = z.looseObject({
  kind: z.literal('service'),
  name: serviceName,
  generation: z.int().min(1),
  revision: z.int().min(1),
  launch: count,
  desired: z.enum(['running', 'stopped', 'removed']),
  spec: serviceSpec,
  /** The revision whose spec this one takes up again. */
  rollbackOf: z.int().min(1).optional(),
})
export type ServiceRecord = z.infer<typeof serviceRecord>

/** What a supervisor says of itself, on its own machine and in the log. */
export const observedService = z.looseObject({
  state: z.enum(['preparing', 'starting', 'running', 'updating', 'waiting', 'crash-loop', 'draining']),
  /** What runs now; absent while nothing does. */
  revision: z.int().min(1).optional(),
  launch: count.optional(),
  /** Where it answers: the address that stays over revisions. */
  host: z.string().max(128).optional(),
  port: port.optional(),
  since: timeMs,
  restarts: count,
  /** Why it waits, or how its last process ended. */
  reason: z.string().max(1000).optional(),
  /** The last revision that was not taken, because it did not get healthy. */
  failed: z.looseObject({ revision: z.int().min(1), launch: count, reason: z.string().max(1000), at: timeMs }).optional(),
})
export type ObservedService = z.infer<typeof observedService>

/** Written by the worker that holds the task of this generation, under this epoch. */
export const serviceStateRecord = z.looseObject({
  kind: z.literal('service-state'),
  name: serviceName,
  generation: z.int().min(1),
  epoch: z.int().min(1),
  step: z.int().min(1),
  observed: observedService,
})
