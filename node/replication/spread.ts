// How blocks reach members that their author has no link with. Each block is passed on to the neighbours that have not said
// "I have this author's blocks from somebody else": so every author gets a tree of its own, the one along which its first
// block was quickest. Some other neighbours are told heads only and ask for what did not come (Plumtree).
import type { Block, SealedBlock } from '../../protocols/blocks.ts'
import type { PeerId } from '../../protocols/ids.ts'
import { HEADS_MAX } from '../../protocols/limits.ts'
import type { Head, LinkMessage, LinkMessageOf } from '../../protocols/streams.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import { pick } from '../kernel/random.ts'
import type { Vector } from './vector.ts'

/** New heads are gathered for this long before they are told. */
const HAVE_MS = 100
/** Neighbours that are told a new head. */
const HAVE_TO = 3
/** What a head promises has this long to come along the tree, before it is asked for. */
const GRAFT_WAIT_MS = 400
/** A log is asked for once in this time, whoever tells of it. */
const GRAFT_AGAIN_MS = 1_000
/** Authors that one neighbour may turn down; more of them it hears twice. */
const UNWANTED_MAX = 10_000
/** Heads of one neighbour that wait for their blocks; later ones are told again. */
const WAITING_MAX = 1_024
/** Logs whose last asking is remembered; at the limit all are forgotten, and some asked for twice. */
const GRAFTS_MAX = 4_096

export type SpreadComponents = {
  self: PeerId
  clock: Pick<Clock, 'nowMs' | 'after'>
  random: Random
  vector: Pick<Vector, 'end'>
  linked(): readonly PeerId[]
  /** Along whom blocks are passed on; undefined where every two members are linked and nothing is. */
  neighbours(): readonly PeerId[] | undefined
  /** Neighbours of a moment ago: blocks go to them too until they have found another way. */
  leaving(): readonly PeerId[]
  /** Who has to have own blocks from this node itself: its acknowledgement counts. */
  seats(): readonly PeerId[]
  send(peer: PeerId, message: LinkMessage): boolean
  /** Streams these logs to a peer, each from the given block on. */
  serve(peer: PeerId, from: readonly Head[]): void
}

export type Spread = {
  /** A fresh block of this node itself. */
  push(author: PeerId, epoch: number, seq: number, sealed: SealedBlock): void
  /** Blocks of a peer that are new here. */
  pass(from: PeerId, taken: readonly { block: Block; sealed: SealedBlock }[]): void
  /** Blocks that are new here and old elsewhere: told, not passed on. */
  tell(taken: readonly Block[]): void
  /** To whom news of an author goes on from here, where it came from `from`; not for the author itself. */
  route(author: PeerId, from: PeerId): PeerId[]
  /** The peer sent what was here already. */
  onDuplicate(from: PeerId, author: PeerId): void
  /** The peer sent a block whose predecessors are missing. @returns false where nothing is passed on */
  onGap(from: PeerId, block: Block): boolean
  /** False where the message is about something else. */
  onMessage(from: PeerId, message: LinkMessage): boolean
  /** The neighbours may have changed. */
  look(): void
  stop(): void
}

export function createSpread(components: SpreadComponents): Spread {
  const { self, clock, random, vector, send, neighbours } = components
  /** Authors whose blocks a neighbour does not want from here; bounded by the links and the members. */
  const unwanted = new Map<PeerId, Set<PeerId>>()
  /** From whom the last block of an author came. */
  const parents = new Map<PeerId, PeerId>()
  const fresh = new Map<string, Head>()
  const asked = new Map<string, number>()
  /** What a neighbour told and has not been asked for yet. */
  const told = new Map<PeerId, Head[]>()
  let telling: Cancel | undefined
  let before: ReadonlySet<PeerId> = new Set()

  const wants = (peer: PeerId, author: PeerId): boolean => unwanted.get(peer)?.has(author) !== true
  const standing = (author: PeerId, epoch: number): number => vector.end(author, epoch)?.seq ?? 0

  const route = (author: PeerId, from: PeerId): PeerId[] => {
    parents.set(author, from)
    const to = new Set([...(neighbours() ?? []), ...components.leaving()])
    return [...to].filter((peer) => peer !== from && peer !== author && wants(peer, author))
  }
  const tellLater = (author: PeerId, epoch: number, seq: number): void => {
    fresh.set(`${author}/${epoch}`, [author, epoch, seq])
    telling ??= clock.after(HAVE_MS, () => {
      telling = undefined
      tellFresh()
    })
  }
  const tellFresh = (): void => {
    const heads = [...fresh.values()]
    fresh.clear()
    const others = [...(neighbours() ?? [])]
    for (let left = HAVE_TO; left > 0 && others.length > 0; left--) {
      const peer = pick(random, others) as PeerId
      others.splice(others.indexOf(peer), 1)
      const news = heads.filter(([author]) => author !== peer && parents.get(author) !== peer)
      for (let at = 0; at < news.length; at += HEADS_MAX) send(peer, { t: 'have', heads: news.slice(at, at + HEADS_MAX) })
    }
  }

  const ask = (peer: PeerId, heads: readonly Head[]): void => {
    const nowMs = clock.nowMs()
    const missing = heads.filter(([author, epoch, seq]) => author !== self && standing(author, epoch) < seq)
    const due = missing.filter(([author, epoch]) => nowMs - (asked.get(`${author}/${epoch}`) ?? -Infinity) >= GRAFT_AGAIN_MS)
    if (due.length === 0) return
    if (asked.size + due.length > GRAFTS_MAX) asked.clear()
    for (const [author, epoch] of due) asked.set(`${author}/${epoch}`, nowMs)
    send(peer, { t: 'graft', heads: due.map(([author, epoch]): Head => [author, epoch, standing(author, epoch) + 1]) })
  }

  const onGraft = (peer: PeerId, { heads }: LinkMessageOf<'graft'>): void => {
    if (heads.length === 0) return void unwanted.delete(peer)
    const ahead = heads.filter(([author, epoch, fromSeq]) => standing(author, epoch) >= fromSeq)
    for (const [author] of heads) unwanted.get(peer)?.delete(author)
    if (ahead.length > 0) components.serve(peer, ahead)
  }

  const onHave = (peer: PeerId, { heads }: LinkMessageOf<'have'>): void => {
    const missing = heads.filter(([author, epoch, seq]) => author !== self && standing(author, epoch) < seq)
    if (missing.length === 0) return
    const waiting = told.get(peer)
    if (waiting !== undefined) {
      if (waiting.length < WAITING_MAX) waiting.push(...missing)
      return
    }
    told.set(peer, missing)
    clock.after(GRAFT_WAIT_MS, () => {
      const late = told.get(peer) ?? []
      told.delete(peer)
      ask(peer, late.slice(0, HEADS_MAX))
    })
  }

  return {
    push(author, epoch, seq, sealed) {
      // One message for all: it is encoded once.
      const message: LinkMessage = { t: 'blocks', blocks: [[sealed.body, sealed.signature]] }
      const linked = components.linked()
      const along = neighbours()
      if (along === undefined) {
        for (const peer of linked) send(peer, message)
        return
      }
      const seats = components.seats()
      const to = new Set([...along, ...components.leaving()])
      for (const peer of linked) if (seats.includes(peer) || (to.has(peer) && wants(peer, author))) send(peer, message)
      tellLater(author, epoch, seq)
    },
    pass(from, taken) {
      if (neighbours() === undefined) return
      for (const author of new Set(taken.map(({ block }) => block.author))) {
        const own = taken.filter(({ block }) => block.author === author)
        const message: LinkMessage = { t: 'blocks', blocks: own.map(({ sealed }) => [sealed.body, sealed.signature]) }
        for (const peer of route(author, from)) send(peer, message)
        for (const { block } of own) tellLater(author, block.epoch, block.seq)
      }
    },
    route,
    tell(taken) {
      if (neighbours() === undefined) return
      for (const { author, epoch, seq } of taken) tellLater(author, epoch, seq)
    },
    onDuplicate(from, author) {
      const along = neighbours()
      const parent = parents.get(author)
      // What the tree brought may come once more in answer to a pull: that is no reason to leave the tree.
      if (along === undefined || parent === undefined || parent === from || !along.includes(from)) return
      // Only a way that stays is enough: a neighbour's, or an author's to a seat, whose acknowledgement it wants.
      const isDirect = (peer: PeerId): boolean => peer === author && components.seats().includes(self)
      if ((along.includes(parent) || isDirect(parent)) && !isDirect(from)) send(from, { t: 'prune', authors: [author] })
    },
    onGap(from, { author, epoch, seq }) {
      if (neighbours() === undefined) return false
      ask(from, [[author, epoch, seq]])
      return true
    },
    onMessage(from, message) {
      if (message.t === 'prune') {
        const authors = unwanted.get(from) ?? new Set()
        unwanted.set(from, authors)
        for (const author of message.authors) if (authors.size < UNWANTED_MAX) authors.add(author)
      } else if (message.t === 'graft') onGraft(from, message)
      else if (message.t === 'have') onHave(from, message)
      else return false
      return true
    },
    look() {
      const now = new Set(neighbours() ?? [])
      const gone = new Set([...before].filter((peer) => !now.has(peer)))
      before = now
      const leaving = components.leaving()
      for (const peer of unwanted.keys()) if (!now.has(peer) && !leaving.includes(peer)) unwanted.delete(peer)
      if (gone.size === 0) return
      let orphaned = false
      for (const [author, parent] of parents) {
        if (!gone.has(parent)) continue
        parents.delete(author)
        orphaned = true
      }
      // Whoever is left sends everything again, until the quickest of them is known.
      if (orphaned) for (const peer of now) send(peer, { t: 'graft', heads: [] })
    },
    stop: () => telling?.(),
  }
}
