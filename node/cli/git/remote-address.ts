// Addresses of hosted repositories: `nimbus://WORKER/REPO`, where the worker is a name, a peer ID, or `mesh` for any that keeps it.
import { hostedName } from '../../../protocols/githost/hosted-names.ts'
import { NimbusError } from '../../kernel/errors.ts'

/** What a node gives its own clones: the way to a mirror at another worker. */
const TICKET = /^~[a-z0-9]{16,64}$/

export type RemoteAddress = { worker: string; repo: string }

export function readAddress(text: string): RemoteAddress {
  const [, worker, repo] = /^nimbus:\/\/([a-z0-9][a-z0-9._-]{0,127})\/([^/]+?)(?:\.git)?\/?$/i.exec(text) ?? []
  const isTicket = repo !== undefined && TICKET.test(repo)
  if (worker !== undefined && repo !== undefined && (isTicket || hostedName.safeParse(repo).success)) return { worker, repo }
  throw new NimbusError('repo-url-invalid', `${JSON.stringify(text.slice(0, 200))} is no address of a hosted repository.`, {
    kind: 'usage',
    cure: 'Write it as nimbus://WORKER/NAME, or nimbus://mesh/NAME for any worker that keeps it.',
  })
}
