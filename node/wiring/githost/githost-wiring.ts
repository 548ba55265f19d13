// Joins the git host to the mesh, the queue and the API: its part of the fold is there before the engine is, the rest once it runs.
import type { Block } from '../../../protocols/blocks.ts'
import type { CallRequest } from '../../../protocols/calls.ts'
import { decodePipeRequest, encodePipeRequest } from '../../../protocols/githost/pipe-request.ts'
import type { NameKey, PeerId } from '../../../protocols/ids.ts'
import type { Entry } from '../../../protocols/records.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { Random } from '../../kernel/random.ts'
import { repoOf } from '../../githost/refs/heads.ts'
import { createHolders } from '../../githost/refs/holders.ts'
import { createHosting, type Hosting } from '../../githost/hosting.ts'
import type { PipeHandler } from '../../mesh/link/pipes.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { FoldPart } from '../../tasks/fold/fold.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import { createMayWrite } from '../plan/may-write.ts'
import { expectDone } from '../node-port.ts'
import type { OverlayWiring } from '../overlay/overlay-wiring.ts'
import type { Mirrors } from '../repos/mirrors.ts'
import type { BareEvent, Views } from '../views.ts'

export type GithostComponents = { self: PeerId; clock: Clock; random: Random; log: Log; dataDir: string; mayWrite(peer: PeerId): boolean }
export type GithostRooms = {
  engine: Engine
  fleet: Fleet
  feed: Views['feed']
  pipe: OverlayWiring['pipe']
  call(peer: PeerId, request: CallRequest, timeoutMs: number): AsyncIterable<Uint8Array>
  /** Repositories that are no hosted ones: what members keep of others. */
  mirrors: Pick<Mirrors, 'serve' | 'open'>
}
export type GithostWiring = {
  parts: readonly FoldPart[]
  eventsOf(block: Block): BareEvent[]
  onName(key: NameKey): void
  /** The engine has read its blocks. */
  open(rooms: GithostRooms): Hosting
  onPipe: PipeHandler
  /** A member wants its commits kept here. */
  take(repo: string, commits: readonly string[], from: PeerId): Promise<void>
}

const TAKE_MS = 60_000

export function createGithostWiring(components: GithostComponents): GithostWiring {
  const { self, mayWrite } = components
  let hosting: Hosting | undefined
  let mirrors: GithostRooms['mirrors'] | undefined
  let tell: (repo: string) => void = () => {}
  const holders = createHolders((repo) => {
    hosting?.held(repo)
    tell(repo)
  })
  const eventOf = (repo: string): BareEvent[] => {
    const data = hosting?.find(repo)
    return data === undefined ? [] : [{ type: 'repo.updated', entity: 'repo', id: data.url, data }]
  }
  const opened = (): Hosting => {
    if (hosting !== undefined) return hosting
    throw new NimbusError('busy', 'This node is still starting.', { kind: 'busy', cure: 'Try again.' })
  }
  return {
    parts: [holders.part],
    eventsOf: (block) => [...new Set((block.entries as Entry[]).flatMap(repoNamedBy))].flatMap(eventOf),
    onName(key) {
      hosting?.changed(key)
      const repo = repoOf(key)
      if (repo !== undefined) tell(repo)
    },
    open({ engine, fleet, feed, pipe, call, mirrors: kept }) {
      mirrors = kept
      hosting = createHosting({
        ...components,
        holders,
        names: engine.names,
        append: engine.append,
        durable: engine.durable,
        stateOf: (peer) => fleet.view(peer)?.state ?? 'left',
        roundTripMs: (peer) => fleet.view(peer)?.roundTripMs ?? undefined,
        nameOf: fleet.nameOf,
        findWorker: fleet.find,
        assertMayWrite: createMayWrite(self, fleet),
        openAt: (peer, repo, service) => pipe(peer, encodePipeRequest({ op: 'git', repo, service })),
        askToTake: (peer, repo, commits) =>
          expectDone(call(peer, { op: 'repo-take', repo, commits: [...commits] }, TAKE_MS), 'repo-take', fleet.nameOf(peer)),
      })
      tell = (repo) => feed.emit(() => eventOf(repo)[0])
      const { open } = hosting
      hosting.open = (worker, repo, service) => (repo.startsWith('~') ? kept.open(repo, service) : open(worker, repo, service))
      return hosting
    },
    async onPipe(peer, body, gone) {
      const request = decodePipeRequest(body)
      if (request === undefined)
        throw new NimbusError('request-unknown', 'This version does not know that request.', {
          kind: 'usage',
          cure: 'Bring both nodes to the same version.',
        })
      if (request.op === 'mirror') {
        opened()
        const session = mirrors?.serve(request.url, peer)
        return async (pipe) => session?.(pipe, gone)
      }
      const session = await opened().serve(request.repo, request.service, peer)
      return (pipe) => session(pipe, gone)
    },
    async take(repo, commits, from) {
      if (!mayWrite(from))
        throw new NimbusError('may-not-push', 'A viewer may not push.', { kind: 'refused', cure: 'Push from a member of the mesh.' })
      await opened().take(repo, commits, from)
    },
  }
}

function repoNamedBy(entry: Entry): string[] {
  const repo = entry.kind === 'repo-held' ? entry.repo : entry.kind === 'name' ? repoOf(entry.key) : undefined
  return repo === undefined ? [] : [repo]
}
