// Sessions of coding agents as REST speaks of them.
import * as z from 'zod'
import { tokenCounts } from '../agents/agent-events.ts'
import { SESSION_STATES } from '../agents/session-states.ts'
import { AGENT_TEXT_MAX } from '../limits.ts'
import { durationText, repoAddress, secretName } from './task-request.ts'

const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'no NUL and no lone surrogate')
const word = text(128).min(1)
const tools = z.array(text(200).min(1)).max(64)
const usd = z.number().min(0).max(1_000_000)
const prompt = text(AGENT_TEXT_MAX).min(1)

export const sessionRequest = z
  .strictObject({
    prompt,
    name: text(200).optional(),
    driver: word.default('claude'),
    /** The words that start the agent, for drivers that need them told. */
    command: z.array(text(4_096)).max(64).optional(),
    model: word.optional(),
    repo: repoAddress.optional(),
    ref: text(256)
      .min(1)
      .regex(/^[^-\s][^\s]*$/, 'a branch, tag or commit')
      .optional(),
    worker: word.optional(),
    roles: z.array(word).max(32).optional(),
    skills: z.array(word).max(32).optional(),
    pool: word.optional(),
    priority: z.int().min(0).max(9).default(5),
    budgetUsd: usd.optional(),
    /** Tools that need no yes, that need one, that are refused; `permission` is for all others. A name may end with `*`. */
    allow: tools.optional(),
    ask: tools.optional(),
    deny: tools.optional(),
    permission: z.enum(['allow', 'ask', 'deny']).optional(),
    /** Hosts that it may reach beside that of its model. */
    network: z
      .array(z.string().regex(/^[a-z0-9.-]{1,253}$/i, 'a host name'))
      .max(64)
      .optional(),
    sandbox: z.enum(['process', 'none']).default('process'),
    /** How long it waits for more after a turn; without it a turn ends the session, and `send` goes on with it. */
    idle: durationText.optional(),
    silentTimeout: durationText.optional(),
    timeout: durationText.optional(),
    /** Memory of the worker that must be free when it starts, in MB. */
    freeMemoryMb: z.int().min(0).default(1_024),
    env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a variable name'), text(32_768)).optional(),
    secrets: z.array(secretName).max(32).optional(),
    /** When its worker is lost: another one goes on from what was saved, or it waits for that worker. */
    onLoss: z.enum(['move', 'wait']).optional(),
    /** An earlier session that this one goes on with. */
    session: z.string().max(64).optional(),
  })
  .meta({ id: 'SessionRequest' })
export type SessionRequest = z.infer<typeof sessionRequest>

export const sessionSend = z.strictObject({ text: prompt, budgetUsd: usd.optional() }).meta({ id: 'SessionSend' })
export const sessionAnswer = z
  .strictObject({
    /** Without it the one request that waits. */
    request: z.string().min(1).max(200).optional(),
    allow: z.boolean(),
    /** What the agent is told. */
    note: text(2_000).optional(),
  })
  .meta({ id: 'SessionAnswer' })
export type SessionAnswer = z.infer<typeof sessionAnswer>
export const sessionResume = z.strictObject({ budgetUsd: usd.optional() }).meta({ id: 'SessionResume' })
export const sessionMove = z
  .strictObject({
    /** The worker that goes on with it, by name or peer ID. */
    worker: word,
    /** In the middle of a tool call too; otherwise that call may end first. */
    now: z.boolean().default(false),
  })
  .meta({ id: 'SessionMove' })
export type SessionMove = z.infer<typeof sessionMove>
/** `check`: only whether it would; nothing is pushed. */
export const sessionMerge = z
  .strictObject({ into: text(200).min(1).optional(), check: z.boolean().optional() })
  .meta({ id: 'SessionMerge' })
export type SessionMerge = z.infer<typeof sessionMerge>
export const sessionOffer = z
  .strictObject({ into: text(200).min(1).optional(), title: text(200).min(1).optional(), body: text(10_000).optional() })
  .meta({ id: 'SessionPullRequest' })
export type SessionOffer = z.infer<typeof sessionOffer>

const reason = z.object({ code: z.string(), message: z.string(), cure: z.string().optional() })
const askView = z.object({ request: z.string(), tool: z.string(), input: z.string(), askedAt: z.int(), reminders: z.int() })
const decisionView = z.object({ request: z.string(), allow: z.boolean(), by: z.string(), at: z.int(), note: z.string().optional() })

export const sessionView = z
  .object({
    id: z.string(),
    state: z.enum(SESSION_STATES),
    reason: reason.optional(),
    name: z.string().optional(),
    prompt: z.string(),
    driver: z.string(),
    model: z.string().optional(),
    version: z.string().optional(),
    agentSession: z.string().optional(),
    /** Where it runs, or ran last. */
    worker: z.string().optional(),
    workerName: z.string().optional(),
    author: z.string(),
    authorName: z.string(),
    repo: z.string().optional(),
    ref: z.string().optional(),
    branch: z.string().optional(),
    base: z.string().optional(),
    commit: z.string().optional(),
    turns: z.int(),
    tokens: tokenCounts,
    costUsd: z.number(),
    budgetUsd: z.number().optional(),
    files: z.array(z.string()),
    /** Requests that wait for an answer; the last answers. */
    asks: z.array(askView),
    decided: z.array(decisionView),
    said: z.string().optional(),
    /** Hosts that it tried to reach and may not. */
    refused: z.array(z.string()),
    limitedUntil: z.int().optional(),
    /** When its worker is lost. */
    onLoss: z.enum(['move', 'wait']),
    /** What another worker could go on from: when that was saved, after which call of a tool, and who has it. */
    saved: z.object({ at: z.int(), bytes: z.int(), after: z.string().optional(), on: z.array(z.string()) }).optional(),
    createdAt: z.int(),
    updatedAt: z.int(),
    /** The tasks that carried it, oldest first. */
    tasks: z.array(z.string()),
    /** Orders that its worker has not done yet. */
    pending: z.int(),
  })
  .meta({ id: 'Session' })
export type SessionView = z.infer<typeof sessionView>

/** What became of an order: done, or waiting for the session's worker. */
export const orderView = z
  .object({ order: z.string(), taken: z.boolean(), session: sessionView, decision: decisionView.optional(), won: z.boolean().optional() })
  .meta({ id: 'SessionOrder' })
export type OrderView = z.infer<typeof orderView>

/** One event of a session; `at` is the byte of that attempt's output where it begins. */
export const sessionMessage = z
  .object({ task: z.string(), epoch: z.int(), at: z.int(), event: z.looseObject({ type: z.string(), time: z.number() }) })
  .meta({ id: 'SessionMessage' })
export type SessionMessage = z.infer<typeof sessionMessage>

export const mergeView = z
  .object({
    session: z.string(),
    merged: z.boolean(),
    into: z.string(),
    commit: z.string().optional(),
    conflicts: z.array(z.string()).optional(),
    /** Open sessions that change the same files. */
    touchedBy: z.array(z.object({ session: z.string(), files: z.array(z.string()) })),
  })
  .meta({ id: 'SessionMergeResult' })
export type MergeView = z.infer<typeof mergeView>

export const pullRequestView = z
  .object({
    session: z.string(),
    /** What is offered, and the branch that it is for. */
    branch: z.string(),
    into: z.string(),
    commit: z.string(),
    number: z.int(),
    address: z.string(),
    /** It was open before. */
    existed: z.boolean(),
  })
  .meta({ id: 'SessionPullRequestResult' })
export type PullRequestView = z.infer<typeof pullRequestView>
