// What a task asks for, as its author signs it. Fields that this version does not know stay in the stored bytes.
import * as z from 'zod'
import type { BlobHash, PeerId, TaskId } from '../ids.ts'
import { isPeerId, isTaskId } from '../ids.ts'
import { AFTER_MAX, AGENT_TEXT_MAX, TERMINAL_COLS_MAX, TERMINAL_ROWS_MAX } from '../limits.ts'
import { questionSpec } from '../agents/question.ts'
import { checkoutSpec } from '../repos/checkout.ts'

const taskId = z.custom<TaskId>((value) => typeof value === 'string' && isTaskId(value), 'not a task ID')
const count = z.int().min(0)
const timeMs = z.int().min(0)
const word = z.string().min(1).max(128)
const label = z.record(word, z.string().max(256))

/** A session of a coding agent: what it is told and what it may do. */
export const agentSpec = z.looseObject({
  prompt: z.string().max(AGENT_TEXT_MAX),
  /** `claude`, `acp` or `command`; what a worker does not know it refuses by name. */
  driver: word,
  /** The words that start the agent, where the driver needs them told. */
  command: z.array(z.string().max(4_096)).max(64).optional(),
  model: word.optional(),
  budgetUsd: z.number().min(0).optional(),
  /** Tools that need no yes, that need one, that are refused; what no list names follows `permission`. */
  allow: z.array(z.string().max(200)).max(64).optional(),
  ask: z.array(z.string().max(200)).max(64).optional(),
  deny: z.array(z.string().max(200)).max(64).optional(),
  permission: z.enum(['allow', 'ask', 'deny']).optional(),
  /** Hosts that it may reach beside that of its model. */
  network: z.array(z.string().max(253)).max(64).optional(),
  sandbox: z.enum(['process', 'none']).optional(),
  /** How long it waits for more when a turn is over. */
  idleMs: timeMs.optional(),
  /** Silence of an open turn after which it is ended. */
  silentMs: z.int().min(1).optional(),
  /** The session that this task goes on with: the task that began it. */
  session: taskId.optional(),
  /** How many tasks of the session came before this one. */
  run: count.optional(),
  /** Where the prompt is that of an earlier task, which may have taken it: that task. */
  order: taskId.optional(),
  /** What becomes of it when its worker is lost: another one goes on from what was saved, or it waits. Where it is not said, it waits. */
  onLoss: z.enum(['move', 'wait']).optional(),
  /** With `move`: where it goes on while that worker is there. */
  home: z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value), 'not a peer ID').optional(),
})
export type AgentSpec = z.infer<typeof agentSpec>

/** How a build is done, where not as usual. */
const buildSpec = z.looseObject({
  /** False: everything is fetched anew. */
  cache: z.boolean().optional(),
  /** When it failed for good: the newest commit of the same ref that was built before is built again. */
  lastGood: z.boolean().optional(),
  /** When it failed by a fault of the code: a session of an agent may spend so much to mend it, on a branch of its own. */
  repair: z.looseObject({ budgetUsd: z.number().min(0) }).optional(),
})

const blobRef = z.looseObject({ hash: z.custom<BlobHash>((v) => typeof v === 'string' && /^[0-9a-f]{64}$/.test(v)), size: count })

/** What a task asks for, as it is signed by its author. Durations in milliseconds. */
export const taskSpec = z.looseObject({
  /** `noop` runs nothing: a joint of a graph. `build` finds out how its folder is built, and does it. `service` runs until it is stopped. `agent` is a session of a coding agent. A `question` people answer. A `terminal` runs its command in a terminal of its one worker, and goes on there when the node is started again. */
  kind: z.enum(['shell', 'noop', 'build', 'service', 'agent', 'question', 'terminal']),
  name: z.string().max(200).optional(),
  argv: z.array(z.string().max(32_768)).max(1024),
  repo: z.string().max(2048).optional(),
  ref: z.string().max(256).optional(),
  /** With which secret its repository is read; without it the mesh's own table says. */
  repoAuth: z.looseObject({ secret: word, user: word.optional() }).optional(),
  /** How much of its repository is cloned. */
  checkout: checkoutSpec.optional(),
  worker: word.optional(),
  skills: z.array(word).max(32).optional(),
  roles: z.array(word).max(32).optional(),
  pool: word.optional(),
  labels: label.optional(),
  /** Labels that a worker should rather have; they only order the ones that fit. */
  prefer: label.optional(),
  resources: z
    .looseObject({
      cpus: z.number().min(0).optional(),
      memoryMb: count.optional(),
      diskMb: count.optional(),
      gpus: count.optional(),
      /** Free at the moment of the claim. */
      freeMemoryMb: count.optional(),
    })
    .optional(),
  priority: z.int().min(0).max(9),
  /** The four time-outs: waiting to be claimed, preparing, silent, and the command as a whole. */
  queueTimeoutMs: z.int().min(1).optional(),
  startTimeoutMs: z.int().min(1).optional(),
  heartbeatTimeoutMs: z.int().min(1).optional(),
  timeoutMs: z.int().min(1).optional(),
  attempts: z.int().min(1).max(100),
  backoffMs: z.int().min(1).optional(),
  backoffMaxMs: z.int().min(1).optional(),
  notBefore: timeMs.optional(),
  env: z.record(z.string().max(256), z.string().max(32_768)).optional(),
  retryOf: taskId.optional(),
  /** Tasks that have to end first: with success, or in any way where `afterAny` says so. */
  after: z.array(taskId).max(AFTER_MAX).optional(),
  afterAny: z.boolean().optional(),
  /** The task that published this one. */
  parent: taskId.optional(),
  dedupe: z.string().min(1).max(256).optional(),
  claim: z.enum(['exclusive', 'available']).optional(),
  /** Which of several provisional results of `available` runs is settled. */
  reconcile: z.enum(['first', 'newest', 'original', 'longest']).optional(),
  /** At most `limit` tasks with one key run at a time. */
  concurrency: z
    .array(z.looseObject({ key: word, limit: z.int().min(1).max(100_000) }))
    .max(8)
    .optional(),
  /** At most `limit` starts with one key in any `perMs`. */
  rate: z
    .array(z.looseObject({ key: word, limit: z.int().min(1).max(100_000), perMs: z.int().min(1) }))
    .max(8)
    .optional(),
  lostAfterMs: z.int().min(1).optional(),
  artifacts: z.array(z.string().min(1).max(512)).max(64).optional(),
  /** A packed folder that becomes the working folder, and the bytes of stdin. */
  dir: blobRef.optional(),
  stdin: blobRef.optional(),
  secrets: z.array(word).max(32).optional(),
  budgetUsd: z.number().min(0).optional(),
  /** Of a terminal when it opens. */
  size: z.looseObject({ cols: z.int().min(2).max(TERMINAL_COLS_MAX), rows: z.int().min(2).max(TERMINAL_ROWS_MAX) }).optional(),
  group: word.optional(),
  /** Of kind `service`: which one. All that it runs stands in the records of that service. */
  service: z.looseObject({ name: word, generation: z.int().min(1) }).optional(),
  agent: agentSpec.optional(),
  /** Of kind `build`. */
  build: buildSpec.optional(),
  /** The verbs of its token (agents/capability.ts); unknown ones give nothing. Without it those of its kind. */
  may: z.array(word).max(32).optional(),
  /** Of a task of kind `question`. */
  question: questionSpec.optional(),
  /** A tick of a schedule, and whose schedule that is: whoever writes the tick speaks for its author. */
  schedule: z.looseObject({ id: word, at: timeMs, author: z.string().max(128).optional(), authorName: word.optional() }).optional(),
})
export type TaskSpec = z.infer<typeof taskSpec>
