// Who may run a task, and who tries first. Pure: the task's needs against what a worker offers, the worker's own rules
// against the task, then weighted rendezvous hashing. A stale offer costs delay, never safety.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { BuildAsk } from '../builds/build-ask.ts'
import { askMismatch } from '../builds/build-ask.ts'
import type { ResourceOffer } from './resources.ts'
import { hasRoom, resourceMismatch } from './resources.ts'

/** What is known of a worker at this moment. `name` is the name shown in the mesh. */
export type Offer = {
  node: PeerId
  name: string
  alive: boolean
  draining: boolean
  mayRun: boolean
  roles: readonly string[]
  skills: readonly string[]
  labels: Readonly<Record<string, string>>
  pool: string | undefined
  accept: readonly string[]
  slots: number
  freeSlots: number
  /** Undefined where the worker does not say: it is an older one. */
  resources?: ResourceOffer | undefined
  /** The repository that it has cloned. */
  repo?: string | undefined
  /** Tools of builds by name, with their versions; undefined where the worker does not say. */
  tools?: Readonly<Record<string, string>> | undefined
  /** Names of the secrets that it may open. */
  secrets?: ReadonlySet<string>
  /** Why it would only let this wait, though it has all that it asks for: money, an account. */
  stops?: ((spec: TaskSpec) => Mismatch | undefined) | undefined
}

/** A worker with the repository is as good as so many without. */
const REPO_WEIGHT = 4
/** Each skill that the task does not need makes a worker this much less likely to be first. */
const SKILL_WEIGHT = 0.1

export type Mismatch = { code: string; message: string; cure: string }

/**
 * The first reason why this worker may not run this task, or undefined where it may. Says nothing of free slots.
 * @param ask what the task turned out to need where it was tried already
 */
export function mismatch(spec: TaskSpec, author: { peer: PeerId; name: string }, offer: Offer, ask?: BuildAsk): Mismatch | undefined {
  if (spec.kind === 'question') return { code: 'person', message: 'a person answers it', cure: 'nimbus ask ls, then nimbus ask answer' }
  if (spec.worker !== undefined && spec.worker !== offer.name && spec.worker !== offer.node) {
    return {
      code: 'other-worker',
      message: `the task names worker ${spec.worker}`,
      cure: `start worker ${spec.worker}, or publish without --worker`,
    }
  }
  const skill = spec.skills?.find((one) => !offer.skills.includes(one))
  if (skill !== undefined) return { code: 'skill', message: `no skill ${skill}`, cure: `start a worker with --skill ${skill}` }
  const role = spec.roles?.find((one) => !offer.roles.includes(one))
  if (role !== undefined) return { code: 'role', message: `no role ${role}`, cure: `start a worker with --role ${role}` }
  if (spec.pool !== undefined && spec.pool !== offer.pool)
    return { code: 'pool', message: `not in pool ${spec.pool}`, cure: `start a worker with --pool ${spec.pool}` }
  const label = Object.entries(spec.labels ?? {}).find(([key, value]) => offer.labels[key] !== value)
  if (label !== undefined)
    return { code: 'label', message: `no label ${label[0]}=${label[1]}`, cure: `start a worker with --label ${label[0]}=${label[1]}` }
  const isClosed = (name: string | undefined): boolean => name !== undefined && offer.secrets?.has(name) !== true
  const secret = spec.secrets?.find(isClosed) ?? (isClosed(spec.repoAuth?.secret) ? spec.repoAuth?.secret : undefined)
  if (secret !== undefined)
    return {
      code: 'secret',
      message: `it may not open the secret ${secret}`,
      cure: `nimbus secret grant ${secret} --worker ${offer.name}; where it is not in nimbus secret ls, set it`,
    }
  const resource = resourceMismatch(spec.resources, offer.resources)
  if (resource !== undefined) return resource
  const lacking = ask === undefined ? undefined : askMismatch(ask, offer)
  if (lacking !== undefined) return lacking
  if (!offer.mayRun) return { code: 'viewer', message: 'a viewer runs nothing', cure: 'invite the machine again with --role member' }
  const rule = refusingRule(offer.accept, spec, author)
  if (rule !== undefined)
    return { code: 'accept', message: `its own rule --accept ${rule}=… refuses it`, cure: `start that worker with another --accept rule` }
  const stop = offer.stops?.(spec)
  if (stop !== undefined) return stop
  if (offer.draining) return { code: 'draining', message: 'it is draining', cure: `nimbus worker resume ${offer.name}` }
  if (!offer.alive) return { code: 'offline', message: 'it is offline', cure: `start it again` }
  return undefined
}

/** `kind=…`, `publisher=NAME|PEER`, `repo=PREFIX`: rules of one key are alternatives, different keys must all hold. */
function refusingRule(rules: readonly string[], spec: TaskSpec, author: { peer: PeerId; name: string }): string | undefined {
  const byKey = new Map<string, string[]>()
  for (const rule of rules) {
    const at = rule.indexOf('=')
    const key = rule.slice(0, at)
    byKey.set(key, [...(byKey.get(key) ?? []), rule.slice(at + 1)])
  }
  for (const [key, values] of byKey) {
    const holds =
      key === 'kind'
        ? values.includes(spec.kind)
        : key === 'publisher'
          ? (values.includes(author.name) || values.includes(author.peer)) && acceptsSchedule(values, spec)
          : key === 'repo' && spec.repo !== undefined && values.some((prefix) => spec.repo?.startsWith(prefix))
    if (!holds) return key
  }
  return undefined
}

/** Whoever writes the tick of a schedule: it is its author's work. */
function acceptsSchedule(publishers: readonly string[], { schedule }: TaskSpec): boolean {
  return schedule?.author === undefined || publishers.includes(schedule.author) || publishers.includes(schedule.authorName ?? '')
}

/** Whether a worker that may run the task has a slot and unreserved resources for it now. */
export function isFree(spec: TaskSpec | undefined, offer: Offer): boolean {
  return offer.freeSlots > 0 && hasRoom(spec?.resources, offer.resources?.unreserved)
}

/**
 * Orders workers that are free for one task: first by how many of the labels they have that it prefers, then by weight: the higher,
 * the more often first.
 */
export function rank(task: TaskId, offers: readonly Offer[], spec?: TaskSpec): PeerId[] {
  return offers
    .filter((offer) => isFree(spec, offer))
    .map((offer) => ({ node: offer.node, liked: likes(spec, offer), score: -Math.log(hashUnit(task + offer.node)) / weight(spec, offer) }))
    .sort((a, b) => b.liked - a.liked || a.score - b.score || (a.node < b.node ? -1 : 1))
    .map((one) => one.node)
}

/** This worker's place, from 0, among those that may run a task, free or not: whose it is does not change with what they do just now. */
export function turnAmong(self: PeerId, task: TaskId, offers: readonly Offer[], spec?: TaskSpec): number {
  const own = offers.find((offer) => offer.node === self)
  if (own === undefined) return offers.length
  const scoreOf = ({ node, slots }: Offer): number => -Math.log(hashUnit(task + node)) / Math.max(1, slots)
  const [liked, score] = [likes(spec, own), scoreOf(own)]
  return offers.filter((offer) => offer !== own && (likes(spec, offer) - liked || score - scoreOf(offer)) > 0).length
}

function likes(spec: TaskSpec | undefined, offer: Offer): number {
  return Object.entries(spec?.prefer ?? {}).filter(([key, value]) => offer.labels[key] === value).length
}

/** Free slots; more for who has the repository, less for who could do rarer work instead. */
function weight(spec: TaskSpec | undefined, offer: Offer): number {
  const hasRepo = spec?.repo !== undefined && spec.repo === offer.repo
  const idleSkills = offer.skills.filter((skill) => spec?.skills?.includes(skill) !== true).length
  return (offer.freeSlots * (hasRepo ? REPO_WEIGHT : 1)) / (1 + idleSkills * SKILL_WEIGHT)
}

/** FNV-1a with a final mix, as a number in (0, 1). */
function hashUnit(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (((hash ^ (hash >>> 16)) >>> 0) + 1) / (2 ** 32 + 1)
}
