// The fold: what all members compute from the same blocks. Commutative, associative, idempotent; nothing here depends
// on the receiver, the order of arrival or the time. It never decides, it only remembers what was decided.
import { encode } from '@ipld/dag-cbor'
import { createHash } from 'node:crypto'
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId, TaskId, Term } from '../../../protocols/ids.ts'
import { isOnceId, onceId, taskId } from '../../../protocols/ids.ts'
import type { Entry, Outcome, UnknownEntry, ProfileRecord, RegisterValue, TaskRecord, TaskSpec } from '../../../protocols/records.ts'
import type { GroupConfig } from '../../../protocols/streams.ts'
import { createStateSum } from './state-sum.ts'

export type AttemptState = { epoch: number; holder?: PeerId; term?: Term; startedAt?: number; outcome?: Outcome }

export type TaskBody = { author: PeerId; createdAt: number; spec: TaskSpec; preferred?: readonly [PeerId, number]; hlc: number }

export type TaskState = {
  id: TaskId
  /** Absent while only register values have arrived. */
  task?: TaskBody
  /** Of an ID that follows from a name: each author's record. `task` is the one that the register names, else the earliest. */
  records?: Map<PeerId, TaskBody>
  cancel?: { author: PeerId; reason?: string; hlc: number }
  value: RegisterValue
  attempts: Map<number, AttemptState>
  /** HLC of the newest entry about the task. */
  updated: number
}

export type Profile = ProfileRecord & { hlc: number; epoch: number }

export type Fold = {
  apply(block: Block): void
  task(id: TaskId): TaskState | undefined
  tasks(): IterableIterator<TaskState>
  profile(node: PeerId): Profile | undefined
  profiles(): ReadonlyMap<PeerId, Profile>
  termEnded(node: PeerId, term: Term): boolean
  group(): GroupConfig | undefined
  /** A hash over the whole state, base64url; equal wherever the same blocks are. Costs what changed since it was asked last. */
  hash(): string
  /** Register values of one version that differ: a broken promise, never seen in a correct mesh. */
  conflicts(): number
}

/**
 * A part of the fold that another room keeps: schedules, messages. Under the same law: commutative, associative, idempotent,
 * nothing that depends on the receiver, the order or the time.
 */
export type FoldPart = {
  kinds: readonly string[]
  apply(entry: Entry | UnknownEntry, block: Block): void
  /** Canonical DAG-CBOR data of its whole state, for the hash. */
  state(): unknown
}

export type FoldListener = {
  onTask(state: TaskState, entry: Entry['kind']): void
  onTerm(node: PeerId, term: Term): void
  onProfile(node: PeerId): void
  onGroup(config: GroupConfig): void
}

export const INITIAL_VALUE: RegisterValue = { version: 0, epoch: 0, state: 'free', attempt: 1 }

export function createFold(listener: FoldListener, options: { mayPublish(author: PeerId): boolean; parts?: readonly FoldPart[] }): Fold {
  const parts = options.parts ?? []
  const partOf = new Map(parts.flatMap((part) => part.kinds.map((kind) => [kind, part] as const)))
  const tasks = new Map<TaskId, TaskState>()
  const profiles = new Map<PeerId, Profile>()
  const endedTerms = new Map<PeerId, Set<Term>>()
  let group: GroupConfig | undefined
  let conflicts = 0

  const sum = createStateSum(stateBytes)

  const stateOf = (id: TaskId): TaskState => {
    let state = tasks.get(id)
    if (state === undefined) {
      state = { id, value: INITIAL_VALUE, attempts: new Map(), updated: 0 }
      tasks.set(id, state)
    }
    sum.changes(state)
    return state
  }
  const applyEntry = (entry: Entry, block: Block): void => {
    // A viewer says who it is, and nothing else.
    if (entry.kind !== 'profile' && !options.mayPublish(block.author)) return
    switch (entry.kind) {
      case 'task':
        if (entry.id !== (isOnceId(entry.id) ? onceId(entry.spec) : taskId(block.author, entry.createdAt, entry.nonce))) return
        if (!mergeTask(stateOf(entry.id), entry, block)) return
        return listener.onTask(stateOf(entry.id), 'task')
      case 'cancel': {
        const state = stateOf(entry.task)
        state.updated = Math.max(state.updated, block.hlc)
        if (state.cancel !== undefined && !isEarlier(block, state.cancel)) return
        state.cancel = { author: block.author, hlc: block.hlc, ...(entry.reason === undefined ? {} : { reason: entry.reason }) }
        return listener.onTask(state, 'cancel')
      }
      case 'register': {
        const state = stateOf(entry.task)
        state.updated = Math.max(state.updated, block.hlc)
        mergeAttempts(state, entry.value)
        if (entry.value.version === state.value.version && !sameValue(entry.value, state.value)) conflicts += 1
        if (entry.value.version <= state.value.version) return
        state.value = entry.value
        chooseRecord(state)
        return listener.onTask(state, 'register')
      }
      case 'term': {
        const ended = endedTerms.get(entry.node) ?? new Set()
        if (ended.has(entry.term)) return
        endedTerms.set(entry.node, ended.add(entry.term))
        return listener.onTerm(entry.node, entry.term)
      }
      case 'group':
        if (group !== undefined && group.version >= entry.version) return
        group = { version: entry.version, seats: entry.seats }
        return listener.onGroup(group)
      case 'profile': {
        const known = profiles.get(block.author)
        if (known !== undefined && known.hlc >= block.hlc) return
        profiles.set(block.author, { ...entry, hlc: block.hlc, epoch: block.epoch })
        return listener.onProfile(block.author)
      }
      case 'name': // kept by its own part
        return
    }
  }

  return {
    apply(block) {
      // Kinds of a newer version were let through unread; they match no case.
      for (const entry of block.entries) {
        const part = partOf.get(entry.kind)
        if (part === undefined) applyEntry(entry as Entry, block)
        else if (options.mayPublish(block.author)) part.apply(entry, block)
      }
    },
    task: (id) => tasks.get(id),
    tasks: () => tasks.values(),
    profile: (node) => profiles.get(node),
    profiles: () => profiles,
    termEnded: (node, term) => endedTerms.get(node)?.has(term) ?? false,
    group: () => group,
    conflicts: () => conflicts,
    hash() {
      const hash = createHash('sha256').update(sum.bytes())
      hash.update(encode([...profiles].sort(byKey)))
      hash.update(encode([...endedTerms].sort(byKey).map(([node, terms]) => [node, [...terms].sort()])))
      hash.update(encode(group ?? null))
      for (const part of parts) hash.update(encode(part.state()))
      return hash.digest('base64url')
    },
  }
}

/** The author binds the ID, so only the author itself could write two: the earlier one counts. */
function mergeTask(state: TaskState, entry: TaskRecord, block: Block): boolean {
  state.updated = Math.max(state.updated, block.hlc)
  const { createdAt, spec, preferred } = entry
  const body: TaskBody = { author: block.author, createdAt, spec, hlc: block.hlc }
  if (!isOnceId(state.id)) {
    if (state.task !== undefined && state.task.hlc <= block.hlc) return false
    state.task = preferred === undefined ? body : { ...body, preferred }
    return true
  }
  // Ballot zero has to belong to one node alone: with several records, each with its own `preferred`, it belongs to none.
  const records = (state.records ??= new Map<PeerId, TaskBody>())
  const known = records.get(block.author)
  if (known !== undefined && known.hlc <= block.hlc) return false
  records.set(block.author, body)
  chooseRecord(state)
  return true
}

function chooseRecord(state: TaskState): void {
  if (state.records === undefined) return
  const { record } = state.value
  const chosen =
    record === undefined
      ? [...state.records.values()].reduce((best, body) => (isEarlier(body, best) ? body : best))
      : state.records.get(record)
  if (chosen === undefined) delete state.task
  else state.task = chosen
}

/** Each register value tells of one or two epochs; together they give the history in any order. */
function mergeAttempts(state: TaskState, value: RegisterValue): void {
  if (value.epoch === 0) return
  const own = state.attempts.get(value.epoch) ?? { epoch: value.epoch }
  state.attempts.set(value.epoch, own)
  if (value.holder !== undefined) own.holder ??= value.holder
  if (value.term !== undefined) own.term ??= value.term
  if (value.startedAt !== undefined) own.startedAt ??= value.startedAt
  if (value.outcome === undefined || value.outcome.unrun === true) return
  const ended = value.state === 'held' ? value.epoch - 1 : value.epoch
  const other = state.attempts.get(ended) ?? { epoch: ended }
  state.attempts.set(ended, other)
  other.outcome ??= value.outcome
}

function isEarlier(block: { hlc: number; author: PeerId }, than: { hlc: number; author: PeerId }): boolean {
  return block.hlc < than.hlc || (block.hlc === than.hlc && block.author < than.author)
}

export function sameValue(a: RegisterValue, b: RegisterValue): boolean {
  return a === b || Buffer.compare(encode(a), encode(b)) === 0
}

/** Canonical bytes of all that is known of a task; DAG-CBOR knows no `undefined`. */
function stateBytes({ id, task, records, cancel, value, attempts, updated }: TaskState): Uint8Array {
  const history = [...attempts.values()].sort((a, b) => a.epoch - b.epoch)
  const written = records === undefined ? (task ?? null) : [...records].sort(byKey)
  return encode([id, written, cancel ?? null, value, history, updated])
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1
}
