// Requests of one node to another that are answered by a stream: the output of a run, a command to a worker, a blob.
// One DAG-CBOR frame asks; the frames of the answer depend on the request, the last error is a frame too.
import { decode, encode } from '@ipld/dag-cbor'
import * as z from 'zod'
import { bytesUpTo } from './bytes.ts'
import type { PeerId, TaskId } from './ids.ts'
import { isPeerId, isTaskId } from './ids.ts'
import { commitId, hostedName } from './githost/hosted-names.ts'
import { LINES_A_FRAME, linesAsked, wireLine, wireMark } from './logs/log-lines.ts'
import { HOSTED_REFS_MAX, SECRET_READERS_MAX, SESSION_SAVE_BYTES_MAX } from './limits.ts'
import { attachRequest, clientId, terminalSaying } from './terminals/frames.ts'

const peerId = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value))
const taskId = z.custom<TaskId>((value) => typeof value === 'string' && isTaskId(value))

export const callRequest = z.discriminatedUnion('op', [
  /** The output of an attempt that runs or ran at the asked node; ends with the attempt where `follow` is set. */
  z.looseObject({ op: z.literal('log'), task: taskId, epoch: z.int().min(1), from: z.int().min(0), follow: z.boolean() }),
  /** Lines of such an output, looked for at the asked node. */
  z.looseObject({ op: z.literal('lines'), task: taskId, epoch: z.int().min(1), ...linesAsked }),
  /** From this byte on; whoever does not know `from` sends all of it, and the hash tells. */
  z.looseObject({ op: z.literal('blob'), hash: z.string().length(64), from: z.int().min(0).optional() }),
  /** Lets further workers open a secret that the asked node can open. */
  z.looseObject({ op: z.literal('grant'), name: z.string().max(64), readers: z.array(peerId).min(1).max(SECRET_READERS_MAX) }),
  /** Fetch these commits of a repository from the asking node, which is about to let a branch point to them. */
  z.looseObject({ op: z.literal('repo-take'), repo: hostedName, commits: z.array(commitId).min(1).max(HOSTED_REFS_MAX) }),
  /** Fetch this blob from the asking node and keep it: the answer comes when it is on the disk. */
  z.looseObject({ op: z.literal('blob-take'), hash: z.string().length(64), size: z.int().min(0).max(SESSION_SAVE_BYTES_MAX) }),
  /** A pass for a page of the asking node, for the time when that node is gone. */
  z.looseObject({ op: z.literal('page-pass') }),
  /** What the asked node keeps of the repository at this address: where its newest word of this ref points to. Without a ref the default branch. */
  z.looseObject({ op: z.literal('repo-known'), url: z.string().max(2048), ref: z.string().min(1).max(256).optional() }),
  z.looseObject({ op: z.literal('command'), verb: z.enum(['drain', 'resume', 'restart', 'stop']) }),
  /** The frames of a terminal of the asked node, for as long as the call lasts. */
  z.looseObject({ op: z.literal('terminal-attach'), task: taskId, attach: attachRequest }),
  /** What a client that is attached through the asking node says; `n` counts up. */
  z.looseObject({
    op: z.literal('terminal-say'),
    task: taskId,
    client: clientId,
    n: z.int().min(1),
    say: terminalSaying,
  }),
])
export type CallRequest = z.infer<typeof callRequest>

/** One frame of an answer. `stream`: 1 stdout, 2 stderr, 3 Nimbus itself. */
export const callAnswer = z.discriminatedUnion('t', [
  z.looseObject({
    t: z.literal('chunk'),
    offset: z.int().min(0),
    stream: z.int().min(1).max(3),
    time: z.number(),
    bytes: bytesUpTo(128 * 1024),
  }),
  z.looseObject({ t: z.literal('lines'), lines: z.array(wireLine).max(LINES_A_FRAME) }),
  /** The last of them. */
  z.looseObject({ t: z.literal('lines-mark'), ...wireMark }),
  z.looseObject({ t: z.literal('bytes'), bytes: bytesUpTo(256 * 1024) }),
  z.looseObject({ t: z.literal('progress'), phase: z.string().max(64), message: z.string().max(500), percent: z.number().optional() }),
  /** `branch` or `ref` as the ref was one; `at`: when the server itself was asked last, in milliseconds of the answering clock. */
  z.looseObject({
    t: z.literal('repo'),
    commit: commitId,
    branch: z.string().max(256).optional(),
    ref: z.string().max(256).optional(),
    at: z.int().min(0),
  }),
  z.looseObject({ t: z.literal('done') }),
  /** `mark` is what the HTTP server at `origin` says of itself, so that it is not mistaken for another. */
  z.looseObject({
    t: z.literal('pass'),
    origin: z.string().max(300),
    code: z.string().regex(/^[\w-]{20,128}$/),
    mark: z.string().regex(/^[\w-]{8,64}$/),
    lifeMs: z.int().min(1),
  }),
  z.looseObject({
    t: z.literal('error'),
    code: z.string().max(64),
    message: z.string().max(1000),
    kind: z.enum(['failed', 'usage', 'missing', 'refused', 'unreachable', 'busy']),
    cure: z.string().max(500).optional(),
  }),
])
export type CallAnswer = z.infer<typeof callAnswer>

export function encodeCall(value: CallRequest | CallAnswer): Uint8Array {
  return encode(value)
}

export function decodeCallRequest(bytes: Uint8Array): CallRequest | undefined {
  return parsed(callRequest, bytes)
}

export function decodeCallAnswer(bytes: Uint8Array): CallAnswer | undefined {
  return parsed(callAnswer, bytes)
}

function parsed<Value>(schema: z.ZodType<Value>, bytes: Uint8Array): Value | undefined {
  try {
    return schema.safeParse(decode(bytes)).data
  } catch {
    return undefined // not canonical DAG-CBOR: the caller refuses it like any other shape
  }
}
