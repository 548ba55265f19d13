// Repositories as REST speaks of them.
import * as z from 'zod'
import { repoAuthRecord, repoPlace, repoUser } from '../repos/repo-records.ts'
import { secretName } from './task-request.ts'

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
