// How repositories that the mesh hosts, and their branches and tags, may be called. Imports nothing of Node: the dashboard reads it too.
import * as z from 'zod'

/** Letters, digits, `. _ -`; it becomes a folder and a part of `nimbus://WORKER/NAME`. */
export const hostedName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'a name: letters, digits, . _ -')
  .refine((name) => !/\.(git|lock)$|\.\.|\.$/i.test(name), 'a name that ends in neither .git, .lock nor a dot')

/** The full name of a branch or a tag, as git allows it. */
export const hostedRef = z
  .string()
  .max(200)
  .regex(/^refs\/(heads|tags)\/[^\p{Cc} ~^:?*[\\]+$/u, 'refs/heads/… or refs/tags/…')
  .refine((ref) => !/\.\.|\/\/|\/\.|@\{|\.lock(\/|$)|[/.]$|\/-/.test(ref), 'a name that git allows')
  .refine((ref) => ref.isWellFormed(), 'no lone surrogate')

export const commitId = z.string().regex(/^[0-9a-f]{40}$/, 'a full commit of 40 digits')
