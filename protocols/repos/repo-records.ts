// With which secret the repositories of a place are read, as members sign it. The value itself stands in the records of secrets. The
// newest record of a place counts (by HLC, then author); one that says nothing takes the entry away.
import * as z from 'zod'
import { NOTE_CHARS_MAX, NOTES_MAX } from '../limits.ts'

/** A host and, if need be, the beginning of a path: `git.example.org`, `git.example.org:8443/team/app`. */
export const repoPlace = z
  .string()
  .max(512)
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:\/[^/\s?#@]+)*$/,
    'a host and a path, as git.example.org/team',
  )
export const repoUser = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/, 'a user name')
const hostKey = z
  .string()
  .max(2048)
  .regex(/^(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*$/, 'a public key, as ssh-ed25519 AAAA…')

export const repoAuthRecord = z.looseObject({
  kind: z.literal('repo-auth'),
  place: repoPlace,
  /** A password, a token, or a private SSH key. */
  secret: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/)
    .optional(),
  user: repoUser.optional(),
  /** The SSH agent that the worker itself was started with. */
  agent: z.boolean().optional(),
  /** The keys of an SSH host; without them the first one that is seen is kept. */
  hostKeys: z.array(hostKey).max(8).optional(),
})
export type RepoAuthRecord = z.infer<typeof repoAuthRecord>

/** What the clone of a run names and did not bring (content of LFS, submodules), and what helps; a part of its outcome. */
export const repoNotes = z.array(z.string().max(NOTE_CHARS_MAX)).max(NOTES_MAX)
