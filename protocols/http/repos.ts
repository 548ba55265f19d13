// Repositories as REST speaks of them.
import * as z from 'zod'
import { repoAuthRecord, repoPlace, repoUser } from '../repos/repo-records.ts'
import { repoAddress, secretName } from './task-request.ts'

/** Which secret opens the repositories of a place; or the SSH agent of the worker; or only which keys its host has. */
export const repoAuthRequest = z
  .strictObject({
    place: repoPlace,
    secret: secretName.optional(),
    user: repoUser.optional(),
    agent: z.boolean().optional(),
    hostKeys: repoAuthRecord.shape.hostKeys,
  })
  .refine(({ secret, agent, hostKeys }) => secret !== undefined || agent === true || hostKeys !== undefined, {
    path: ['secret'],
    message: 'a secret, the agent, or a host key',
  })
  .refine(({ secret, agent }) => secret === undefined || agent !== true, { path: ['agent'], message: 'a secret or the agent, not both' })
  .meta({ id: 'RepoAuthRequest' })
export type RepoAuthRequest = z.infer<typeof repoAuthRequest>

export const repoAuthView = z
  .object({
    place: z.string(),
    secret: z.string().optional(),
    user: z.string().optional(),
    agent: z.boolean().optional(),
    hostKeys: z.array(z.string()).optional(),
    by: z.string(),
    updatedAt: z.int(),
  })
  .meta({ id: 'RepoAuth' })
export type RepoAuthView = z.infer<typeof repoAuthView>

/** What a kept repository and its work trees are called. */
export const repoName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'a name of up to 63 letters, digits and . _ -, as app')
  .refine((name) => !/^(auth|known_hosts|hosted)$/i.test(name) && !name.endsWith('.git'), 'another name, this one is taken')

export const repoRequest = z
  .strictObject({ url: repoAddress, ref: z.string().min(1).max(256).optional(), name: repoName.optional() })
  .meta({ id: 'RepoRequest' })
export type RepoRequest = z.infer<typeof repoRequest>
export const treeRequest = z.strictObject({ tree: repoName, branch: z.string().min(1).max(256).optional() }).meta({ id: 'TreeRequest' })
export type TreeRequest = z.infer<typeof treeRequest>
export const pullRequest = z
  .strictObject({ tree: repoName.default('main'), resolve: z.enum(['keep', 'reset', 'branch']).optional() })
  .meta({ id: 'PullRequest' })
export type PullRequest = z.input<typeof pullRequest>

const progress = z.object({
  phase: z.string(),
  loaded: z.int(),
  total: z.int().optional(),
  percent: z.int().optional(),
  bytes: z.int().optional(),
  bytesPerSecond: z.int().optional(),
  remainingMs: z.int().optional(),
})
const treeView = z.object({
  name: z.string(),
  dir: z.string(),
  branch: z.string(),
  /** Asked for with one repository only: what would be lost with the tree. */
  commit: z.string().optional(),
  changed: z.int().optional(),
  unpushed: z.int().optional(),
  /** Why git is not run in it. */
  unsafe: z.string().optional(),
  /** What its commit names and it does not hold (content of LFS, submodules), and what helps. */
  notes: z.array(z.string()).optional(),
})
export const repoView = z
  .object({
    name: z.string(),
    url: z.string(),
    state: z.enum(['fetching', 'ready', 'failed']),
    error: z.string().optional(),
    addedAt: z.int(),
    fetchedAt: z.int().optional(),
    defaultBranch: z.string().optional(),
    commit: z.string().optional(),
    /** On the disk, the mirror alone. */
    bytes: z.int().optional(),
    progress: progress.optional(),
    trees: z.array(treeView),
  })
  .meta({ id: 'Repo' })
export type RepoView = z.infer<typeof repoView>
export type TreeView = z.infer<typeof treeView>

/** `choices` is not empty where a person has to say what becomes of the work that is there. */
export const pullView = z
  .object({
    tree: z.string(),
    branch: z.string(),
    state: z.enum(['current', 'ahead', 'updated', 'local-changes', 'diverged', 'force-pushed', 'default-renamed', 'ref-deleted']),
    message: z.string(),
    choices: z.array(z.enum(['keep', 'reset', 'branch'])),
    /** What was done of them. */
    resolved: z.enum(['keep', 'reset', 'branch']).optional(),
    /** The branch that holds what was there. */
    kept: z.string().optional(),
    /** As those of the tree. */
    notes: z.array(z.string()).optional(),
  })
  .meta({ id: 'Pull' })
export type PullView = z.infer<typeof pullView>
