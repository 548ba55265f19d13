// The fold: what all members compute from the same blocks. Commutative, associative, idempotent; nothing here depends
// on the receiver, the order of arrival or the time. It never decides, it only remembers what was decided.
import { encode } from '@ipld/dag-cbor'
import { createHash } from 'node:crypto'
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId, TaskId, Term } from '../../../protocols/ids.ts'
import { lifeOf } from '../../../protocols/ids.ts'
import type { AttemptRecord, Entry, UnknownEntry, ProfileRecord, RegisterValue } from '../../../protocols/records.ts'
import type { GroupConfig } from '../../../protocols/streams.ts'
import { expandRuns } from '../../../protocols/tasks/task-runs.ts'
import { createAttemptMerge, mergeRun } from './attempts.ts'
import type { Recovery } from '../claims/group-fold.ts'
import { createGroupFold } from '../claims/group-fold.ts'
import { createShare } from './state-share.ts'
import { createStateSum } from './state-sum.ts'
import { bodyOf, chooseRecord, eachOfBatch, isEarlier, mergeTask } from './task-records.ts'
import type { TaskBody, TaskState } from './task-state.ts'
import { emptyState } from './task-state.ts'

export type { AttemptState } from './attempts.ts'

export type { TaskBody, TaskState } from './task-state.ts'
export { INITIAL_VALUE } from './task-state.ts'

export type Profile = ProfileRecord & { hlc: number; epoch: number }

export type Fold = {
  apply(block: Block): void
  task(id: TaskId): TaskState | undefined
  tasks(): IterableIterator<TaskState>
  profile(node: PeerId): Profile | undefined
  profiles(): ReadonlyMap<PeerId, Profile>
  termEnded(node: PeerId, term: Term): boolean
  group(): GroupConfig | undefined
  recoveries(): readonly Recovery[]
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

export type FoldOptions = {
  mayPublish(author: PeerId): boolean
  /** Whether this member may say how a group goes on without its majority. */
  mayRecover?(author: PeerId): boolean
  parts?: readonly FoldPart[]
}

export function createFold(listener: FoldListener, options: FoldOptions): Fold {
  const parts = options.parts ?? []
  const partOf = new Map(parts.flatMap((part) => part.kinds.map((kind) => [kind, part] as const)))
  const tasks = new Map<TaskId, TaskState>()
  const profiles = new Map<PeerId, Profile>()
  const endedTerms = new Map<PeerId, Set<Term>>()
  const group = createGroupFold(options.mayRecover ?? (() => false))
  let conflicts = 0

  const sum = createStateSum(createShare())
  const attemptsWith = createAttemptMerge()

  const stateOf = (id: TaskId): TaskState => {
    let state = tasks.get(id)
    if (state !== undefined) sum.changes(state)
    else {
      state = emptyState(id)
      tasks.set(id, state)
      sum.added(state)
    }
    return state
  }
  const applyTask = (id: TaskId, body: TaskBody): void => {
    const state = stateOf(id)
    if (mergeTask(state, body)) listener.onTask(state, 'task')
  }
  const applyValue = (id: TaskId, value: RegisterValue, block: Block): void => {
    const state = stateOf(id)
    state.updated = Math.max(state.updated, block.hlc)
    state.attempts = attemptsWith(state.attempts, value)
    if (value.version === state.value.version && !sameValue(value, state.value)) conflicts += 1
    if (value.version <= state.value.version) return
    state.value = value
    chooseRecord(state)
    listener.onTask(state, 'register')
  }
  const applyCancel = ({ task, reason }: Extract<Entry, { kind: 'cancel' }>, block: Block): void => {
    const state = stateOf(task)
    state.updated = Math.max(state.updated, block.hlc)
    if (state.cancel !== undefined && !isEarlier(block, state.cancel)) return
    state.cancel = { author: block.author, hlc: block.hlc, ...(reason === undefined ? {} : { reason }) }
    listener.onTask(state, 'cancel')
  }
  const applyRun = ({ task, outcome, ...run }: AttemptRecord, block: Block): void => {
    const { epoch, attempt, startedAt, term } = run
    const state = stateOf(task)
    state.updated = Math.max(state.updated, block.hlc)
    state.attempts = mergeRun(state.attempts, { epoch, attempt, startedAt, term, holder: block.author, ...(outcome ? { outcome } : {}) })
    listener.onTask(state, 'attempt')
  }
  const applyEntry = (entry: Entry, block: Block): void => {
    // A viewer says who it is, and nothing else.
    if (entry.kind !== 'profile' && !options.mayPublish(block.author)) return
    switch (entry.kind) {
      case 'task': {
        const body = bodyOf(entry, block)
        return body === undefined ? undefined : applyTask(entry.id, body)
      }
      case 'tasks':
        return eachOfBatch(entry, block, applyTask)
      case 'cancel':
        return applyCancel(entry, block)
      case 'register':
        return applyValue(entry.task, entry.value, block)
      case 'registers':
        for (const id of expandRuns(entry.tasks)) applyValue(id, entry.value, block)
        return
      case 'attempt':
        return applyRun(entry, block)
      case 'term': {
        const ended = endedTerms.get(entry.node) ?? new Set()
        if (ended.has(entry.term)) return
        endedTerms.set(entry.node, ended.add(entry.term))
        return listener.onTerm(entry.node, entry.term)
      }
      case 'group': {
        const config = group.apply(entry, block)
        return config === undefined ? undefined : listener.onGroup(config)
      }
      case 'profile': {
        const known = profiles.get(block.author)
        if (known !== undefined && known.hlc >= block.hlc) return
        profiles.set(block.author, { ...entry, hlc: block.hlc, epoch: block.epoch })
        return listener.onProfile(block.author)
      }
      case 'name': // each kept by its own part
      case 'sealing-key':
      case 'secret':
      case 'secret-grant':
      case 'message':
      case 'read':
      case 'schedule':
      case 'schedule-pause':
      case 'schedule-skip':
      case 'pool':
      case 'repo-auth':
      case 'service':
      case 'service-state':
      case 'repo-held':
      case 'session':
      case 'session-order':
      case 'cost':
      case 'budget':
      case 'knowledge':
      case 'token':
      case 'token-revoked':
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
    termEnded(node, term) {
      const ended = endedTerms.get(node)
      return ended !== undefined && (ended.has(term) || ended.has(lifeOf(term)))
    },
    group: group.config,
    recoveries: group.recoveries,
    conflicts: () => conflicts,
    hash() {
      const hash = createHash('sha256').update(sum.bytes())
      hash.update(encode([...profiles].sort(byKey)))
      hash.update(encode([...endedTerms].sort(byKey).map(([node, terms]) => [node, [...terms].sort()])))
      hash.update(encode(group.state()))
      for (const part of parts) hash.update(encode(part.state()))
      return hash.digest('base64url')
    },
  }
}

export function sameValue(a: RegisterValue, b: RegisterValue): boolean {
  return a === b || Buffer.compare(encode(a), encode(b)) === 0
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1
}
