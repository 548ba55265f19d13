// The services of the mesh, as a part of the fold: of each name the newest wish, its latest revisions, and the newest word of the
// workers that held it.
import type { Block } from '../../protocols/blocks.ts'
import type { PeerId } from '../../protocols/ids.ts'
import { SERVICE_REVISIONS_MAX } from '../../protocols/limits.ts'
import type { Entry } from '../../protocols/records.ts'
import type { ObservedService, ServiceRecord, ServiceSpec } from '../../protocols/services/service-records.ts'
import { hlcToMs } from '../kernel/hlc.ts'
import type { FoldPart } from '../tasks/fold/fold.ts'

export type Service = {
  name: string
  generation: number
  revision: number
  launch: number
  desired: ServiceRecord['desired']
  spec: ServiceSpec
  rollbackOf?: number
  author: PeerId
  changedAt: number
  /** Newest first, the present one among them. */
  revisions: readonly { revision: number; spec: ServiceSpec; author: PeerId }[]
  told?: Told
}
/** The last word of a worker that held it, and of which life of it. */
export type Told = { author: PeerId; generation: number; epoch: number; step: number; observed: ObservedService }

export type ServiceBook = {
  part: FoldPart
  get(name: string): Service | undefined
  /** By name; those that are removed too. */
  all(): Service[]
}

/** Who wrote a record, in the order that decides which one counts. */
type Stamp = { hlc: number; author: PeerId; place: readonly [epoch: number, seq: number, index: number] }
type Page = {
  wish?: Stamp & { record: ServiceRecord }
  revisions: (Stamp & { revision: number; spec: ServiceSpec })[]
  told?: Told & Stamp
}

/** @param onChange hears of each name of which something new was taken in */
export function createServiceBook(onChange: (name: string) => void): ServiceBook {
  const pages = new Map<string, Page>()

  const apply = (entry: Entry, block: Block): void => {
    if (entry.kind !== 'service' && entry.kind !== 'service-state') return
    const page = pages.get(entry.name) ?? { revisions: [] }
    const stamp = { hlc: block.hlc, author: block.author, place: [block.epoch, block.seq, block.entries.indexOf(entry)] as const }
    if (entry.kind === 'service') {
      page.revisions = withRevision(page.revisions, { ...stamp, revision: entry.revision, spec: entry.spec })
      if (isNewer(stamp, page.wish)) page.wish = { ...stamp, record: entry }
    } else {
      const { generation, epoch, step, observed } = entry
      const told = { ...stamp, generation, epoch, step, observed }
      if (isLater(told, page.told)) page.told = told
    }
    pages.set(entry.name, page)
    onChange(entry.name)
  }
  return {
    part: {
      kinds: ['service', 'service-state'],
      apply: (entry, block) => apply(entry as Entry, block),
      state: () =>
        [...pages]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, { wish, revisions, told }]) => [name, wish ?? null, revisions, told ?? null]),
    },
    get(name) {
      const page = pages.get(name)
      return page === undefined ? undefined : serviceOf(page)
    },
    all: () => [...pages.values()].flatMap((page) => serviceOf(page) ?? []).sort((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

function serviceOf({ wish, revisions, told }: Page): Service | undefined {
  if (wish === undefined) return undefined
  const { name, generation, revision, launch, desired, spec, rollbackOf } = wish.record
  return {
    name,
    generation,
    revision,
    launch,
    desired,
    spec,
    ...(rollbackOf === undefined ? {} : { rollbackOf }),
    author: wish.author,
    changedAt: hlcToMs(wish.hlc),
    revisions: revisions.map((one) => ({ revision: one.revision, spec: one.spec, author: one.author })),
    ...(told === undefined
      ? {}
      : {
          told: { author: told.author, generation: told.generation, epoch: told.epoch, step: told.step, observed: told.observed },
        }),
  }
}

/** Of each number the newest; of all numbers the highest. */
function withRevision(known: Page['revisions'], one: Page['revisions'][number]): Page['revisions'] {
  const same = known.find(({ revision }) => revision === one.revision)
  if (same !== undefined && !isNewer(one, same)) return known
  return [...known.filter((other) => other !== same), one].sort((a, b) => b.revision - a.revision).slice(0, SERVICE_REVISIONS_MAX)
}

function isLater(told: Told & Stamp, than: (Told & Stamp) | undefined): boolean {
  if (than === undefined) return true
  for (const key of ['generation', 'epoch', 'step'] as const) if (told[key] !== than[key]) return told[key] > than[key]
  return isNewer(told, than)
}

function isNewer(stamp: Stamp, than: Stamp | undefined): boolean {
  if (than === undefined) return true
  if (stamp.hlc !== than.hlc) return stamp.hlc > than.hlc
  if (stamp.author !== than.author) return stamp.author > than.author
  const at = stamp.place.findIndex((part, index) => part !== than.place[index])
  return at >= 0 && (stamp.place[at] ?? 0) > (than.place[at] ?? 0)
}
