// How register operations share messages. Tasks travel as runs under one ballot and value, many at a time; names, whose
// values grow with their holders, one by one and few. Pure.
import type { RegisterKey, TaskId } from '../../../../protocols/ids.ts'
import { isNameKey } from '../../../../protocols/ids.ts'
import { NAME_BATCH_MAX, REGISTER_BATCH_MAX } from '../../../../protocols/limits.ts'
import type { AcceptItem, KeeperAnswer, KeeperVerdict, LinkMessage, LinkMessageOf, PrepareItem } from '../../../../protocols/streams.ts'
import { expandRuns, runsOf } from '../../../../protocols/tasks/task-runs.ts'

/** Batches that fit in one message each. */
export function chunks<Op extends { task: RegisterKey }>(ops: readonly Op[]): Op[][] {
  const tasks = ops.filter((op) => !isNameKey(op.task))
  const names = ops.filter((op) => isNameKey(op.task))
  return [...slices(tasks, REGISTER_BATCH_MAX), ...slices(names, NAME_BATCH_MAX)]
}

type Request = { id: number; version: number }

export function prepareMessage(request: Request, items: readonly PrepareItem[]): LinkMessage {
  if (areNames(items)) return { t: 'prepare', ...request, items: [...items] }
  const groups = neighbours(items, (a, b) => a.ballot[0] === b.ballot[0] && a.ballot[1] === b.ballot[1])
  return { t: 'prepare-runs', ...request, groups: groups.map((group) => ({ tasks: runs(group), ballot: group[0].ballot })) }
}

export function acceptMessage(request: Request, items: readonly AcceptItem[]): LinkMessage {
  if (areNames(items)) return { t: 'accept', ...request, items: [...items] }
  const groups = neighbours(items, (a, b) => a.value === b.value && a.ballot[0] === b.ballot[0] && a.ballot[1] === b.ballot[1])
  return {
    t: 'accept-runs',
    ...request,
    groups: groups.map((group) => ({ tasks: runs(group), ballot: group[0].ballot, value: group[0].value })),
  }
}

/** The answer to a request in its own form. */
export function answersMessage(request: LinkMessage, id: number, items: KeeperAnswer[]): LinkMessage {
  if (request.t === 'prepare' || request.t === 'accept') return { t: 'answers', id, items }
  const groups = neighbours(items, isSameAnswer).map((group) => {
    const { task: _, ...answer } = group[0]
    return { ...answer, tasks: runs(group) }
  })
  const [only] = groups
  if (groups.length !== 1 || only === undefined) return { t: 'answers-runs', id, groups }
  const { tasks: _, ...all } = only
  return { t: 'answers-runs', id, groups: [all] }
}

/** @param items what was asked: a group without tasks answers for all of it */
export function prepareItems(message: LinkMessageOf<'prepare' | 'prepare-runs'>): PrepareItem[] {
  if (message.t === 'prepare') return message.items
  return message.groups.flatMap(({ tasks, ballot }) => expandRuns(tasks).map((task) => ({ task, ballot })))
}

export function acceptItems(message: LinkMessageOf<'accept' | 'accept-runs'>): AcceptItem[] {
  if (message.t === 'accept') return message.items
  return message.groups.flatMap(({ tasks, ballot, value }) => expandRuns(tasks).map((task) => ({ task, ballot, value })))
}

/** Calls back for each answered item; a group without tasks answers for all that was asked. */
export function eachAnswer(
  message: LinkMessageOf<'answers' | 'answers-runs'>,
  asked: readonly { task: RegisterKey }[],
  each: (task: RegisterKey, answer: KeeperVerdict) => void,
): void {
  if (message.t === 'answers') for (const item of message.items) each(item.task, item)
  else
    for (const group of message.groups) {
      if (group.tasks === undefined) for (const { task } of asked) each(task, group)
      else for (const task of expandRuns(group.tasks)) each(task, group)
    }
}

function isSameAnswer(a: KeeperAnswer, b: KeeperAnswer): boolean {
  return (
    a.ok === b.ok &&
    a.promised === b.promised &&
    a.unknown === b.unknown &&
    a.full === b.full &&
    a.accepted === b.accepted &&
    a.settled === b.settled
  )
}

function areNames(items: readonly { task: RegisterKey }[]): boolean {
  return items[0] !== undefined && isNameKey(items[0].task)
}

function runs(items: readonly { task: RegisterKey }[]): ReturnType<typeof runsOf> {
  return runsOf(items.map(({ task }) => task as TaskId))
}

/** Parts a list where two neighbours are not of one kind. */
function neighbours<Item>(items: readonly Item[], areOneKind: (a: Item, b: Item) => boolean): [Item, ...Item[]][] {
  const groups: [Item, ...Item[]][] = []
  for (const item of items) {
    const group = groups.at(-1)
    if (group !== undefined && areOneKind(group[0], item)) group.push(item)
    else groups.push([item])
  }
  return groups
}

function slices<Op>(ops: readonly Op[], size: number): Op[][] {
  return Array.from({ length: Math.ceil(ops.length / size) }, (_, i) => ops.slice(i * size, (i + 1) * size))
}
