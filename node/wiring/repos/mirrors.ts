// Clones from nearby: asks other members whether they keep a repository, lets the clones of this node fetch from them, and gives out what
// is kept here. Who may have what is decided here, on the side that gives: a repository whose server asked nobody who they are goes to
// members that may run tasks; every other one only to those of them that may open the secret that the mesh has set for its place.
import { pathToFileURL } from 'node:url'
import type { CallAnswer, CallRequest } from '../../../protocols/calls.ts'
import { decodeCallAnswer } from '../../../protocols/calls.ts'
import { encodePipeRequest } from '../../../protocols/githost/pipe-request.ts'
import type { HostedRepoView } from '../../../protocols/http/hosted.ts'
import { base32, type PeerId } from '../../../protocols/ids.ts'
import { createGit } from '../../githost/keeping/git.ts'
import { carry, type FarChannel } from '../../githost/serving/carry.ts'
import type { Service, Session } from '../../githost/serving/channel.ts'
import { uploadSession } from '../../githost/serving/upload.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Random } from '../../kernel/random.ts'
import type { AuthBook } from '../../repos/auth/auth-book.ts'
import { systemGit } from '../../repos/clone.ts'
import type { KeptMirror } from '../../repos/kept/kept-view.ts'
import { knownIn } from '../../repos/near/known.ts'
import { type Near, NEAR_MAX } from '../../repos/near/near.ts'
import { parseRepoUrl } from '../../repos/repo-url.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'

export type MirrorRooms = {
  self: PeerId
  fleet: Pick<Fleet, 'offers' | 'view' | 'nameOf'>
  mayWrite(peer: PeerId): boolean
  /** Names of the secrets that a member may open. */
  openTo(peer: PeerId): ReadonlySet<string>
  hosted(): HostedRepoView[]
  call(peer: PeerId, request: CallRequest, timeoutMs: number): AsyncIterable<Uint8Array>
  pipe(peer: PeerId, body: Uint8Array): Promise<FarChannel>
}
export type MirrorComponents = {
  clock: Clock
  random: Random
  dataDir: string
  book: Pick<AuthBook, 'find'>
  mirrorOf(url: string): KeptMirror | undefined
  rooms(): MirrorRooms | undefined
}
/** To be closed when the clone is over: the ways to other members end then. */
export type Around = { near: readonly Near[]; close(): void }
export type Mirrors = {
  /** Who else may have it; other members have a moment to answer. @param mine may be used as well: it is kept here */
  around(url: string, ref: string | undefined, mine?: KeptMirror): Promise<Around>
  /** What a member is told of what is kept here. @throws NimbusError `repo-not-kept`, also where it may not have it */
  known(by: PeerId, url: string, ref: string | undefined): Promise<CallAnswer>
  /** Objects for a member. */
  serve(url: string, by: PeerId): Session
  /** Objects of another member for a clone of this node. */
  open(ticket: string, service: Service): Promise<Session>
}

/** Members that are asked, the nearest first, and how long they have: a busy one is waited for until it would count as gone. */
const ASKED_MAX = 16
const ASK_MS = 5_000
/** Questions and clones that are served at once. */
const ANSWERS_MAX = 8
const SESSIONS_MAX = 16
/** Clones of this node that may fetch from others: each has a few, and gives them back. */
const TICKETS_MAX = 1_024
/** Branches and tags of hosted repositories that are looked through. */
const HOSTED_HEADS_MAX = 4_096
const TICKET_BYTES = 16

export function createMirrors(components: MirrorComponents): Mirrors {
  const { clock, random, book, mirrorOf } = components
  const git = createGit(components)
  const tickets = new Map<string, { peer: PeerId; url: string }>()
  let answers = 0
  let sessions = 0
  const opened = (): MirrorRooms => {
    const rooms = components.rooms()
    if (rooms !== undefined) return rooms
    throw new NimbusError('busy', 'This node is still starting.', { kind: 'busy', cure: 'Try again.' })
  }
  /** One answer for what is not here and for what is not for everybody. */
  const givable = (url: string, by: PeerId): KeptMirror => {
    const mirror = mirrorOf(url)
    const { mayWrite, openTo, nameOf, self } = { ...opened(), nameOf: opened().fleet.nameOf }
    const secret = book.find(parseRepoUrl(url).href)?.secret
    const isFor = mirror?.isOpen === true || (secret !== undefined && openTo(by).has(secret))
    if (mirror !== undefined && mayWrite(by) && isFor) return mirror
    throw new NimbusError('repo-not-kept', `${nameOf(self)} keeps no such repository, or not for ${nameOf(by)}.`, { kind: 'missing' })
  }
  const askOne = async (peer: PeerId, url: string, ref: string | undefined): Promise<Near | undefined> => {
    for await (const frame of opened().call(peer, { op: 'repo-known', url, ...(ref === undefined ? {} : { ref }) }, ASK_MS)) {
      const answer = decodeCallAnswer(frame)
      if (answer?.t !== 'repo') return undefined
      if (tickets.size >= TICKETS_MAX) return undefined
      const ticket = `~${base32(random.bytes(TICKET_BYTES))}`
      tickets.set(ticket, { peer, url })
      const { commit, branch, ref: full, at } = answer
      const which = { ...(branch === undefined ? {} : { branch }), ...(full === undefined ? {} : { ref: full }) }
      return { address: `nimbus://${peer}/${ticket}`, name: opened().fleet.nameOf(peer), commit, ...which, at }
    }
    return undefined
  }
  const hostedNear = (): Near[] =>
    opened()
      .hosted()
      .flatMap(({ name, refs }) => refs.map(({ commit }): Near => ({ address: `nimbus://mesh/${name}`, name: 'the mesh', commit })))
      .slice(0, HOSTED_HEADS_MAX)

  return {
    async around(url, ref, mine) {
      const rooms = components.rooms()
      const gitFile = gitHere()
      if (rooms === undefined || gitFile === undefined) return { near: [], close() {} }
      const { self, fleet } = rooms
      const near: Near[] = []
      const own = mine === undefined ? undefined : await knownIn(gitFile, mine.dir, url, ref)
      if (own !== undefined && mine !== undefined)
        near.push({ ...own, address: pathToFileURL(mine.dir).href, name: fleet.nameOf(self), at: mine.fetchedAt })
      const far = (peer: PeerId): number => fleet.view(peer)?.roundTripMs ?? Infinity
      const peers = fleet.offers().flatMap(({ node, alive }) => (alive && node !== self ? [node] : []))
      const asked = peers.toSorted((a, b) => far(a) - far(b)).slice(0, ASKED_MAX)
      const given = new Map<PeerId, Near>()
      let isOver = false
      const drop = ({ address }: Near): void => void tickets.delete(address.slice(address.lastIndexOf('/') + 1))
      const asking = asked.map(async (peer) => {
        const found = await askOne(peer, url, ref)
        if (found === undefined) return
        if (isOver) drop(found)
        else given.set(peer, found)
      })
      await Promise.race([Promise.allSettled(asking), new Promise<void>((resolve) => clock.after(ASK_MS, resolve))])
      isOver = true
      // In the order of their nearness, however fast they answered.
      near.push(...asked.flatMap((peer) => given.get(peer) ?? []))
      return { near: [...near.slice(0, NEAR_MAX), ...hostedNear()], close: () => given.forEach(drop) }
    },
    async known(by, url, ref) {
      const mirror = givable(url, by)
      if (answers >= ANSWERS_MAX) throw busy(opened(), 'answers as many questions as it can')
      answers += 1
      try {
        const target = await knownIn(systemGit(), mirror.dir, url, ref)
        if (target === undefined) throw new NimbusError('repo-ref-not-found', 'That ref is not known here.', { kind: 'missing' })
        const { commit, branch, ref: full } = target
        const which = { ...(branch === undefined ? {} : { branch }), ...(full === undefined ? {} : { ref: full }) }
        return { t: 'repo', commit, ...which, at: Math.max(0, Math.round(mirror.fetchedAt)) }
      } finally {
        answers -= 1
      }
    },
    serve(url, by) {
      const { dir } = givable(url, by)
      if (sessions >= SESSIONS_MAX) throw busy(opened(), `serves ${SESSIONS_MAX} clones already`)
      const session = uploadSession({ git, repos: { dirOf: () => dir } }, url)
      return async (channel, gone) => {
        sessions += 1
        await session(channel, gone).finally(() => (sessions -= 1))
      }
    },
    async open(ticket, service) {
      const found = tickets.get(ticket)
      if (found === undefined || service !== 'upload')
        throw new NimbusError('repo-unknown', 'No clone of this node reads from there.', {
          kind: 'missing',
          cure: 'Clone its own address.',
        })
      return carry(await opened().pipe(found.peer, encodePipeRequest({ op: 'mirror', url: found.url })))
    },
  }
}

function gitHere(): string | undefined {
  try {
    return systemGit()
  } catch {
    return undefined // without it nothing is fetched from members
  }
}

function busy({ self, fleet }: MirrorRooms, what: string): NimbusError {
  return new NimbusError('busy', `${fleet.nameOf(self)} ${what}.`, { kind: 'busy', cure: 'Try again later.' })
}
