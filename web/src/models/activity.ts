// What happened lately, newest first: told from the changes that events bring, begun with what the loaded tasks tell.
import { type ReadonlySignal, signal } from '@preact/signals'
import type { TaskStateName, TaskView, WorkerView } from '../../../protocols/http/views.ts'
import { endText, hasEnded, lastAttempt, titleOf } from './task-facts.ts'
import type { Worker } from './fleet.ts'

const ACTIVITY_MAX = 200

export type Happening = {
  key: string
  time: number
  subject: 'task' | 'worker'
  state: TaskStateName | WorkerView['state']
  href: string
  title: string
  text: string
}
export type Activity = {
  list: ReadonlySignal<readonly Happening[]>
  begin(tasks: readonly TaskView[]): void
  taskChanged(before: TaskView | undefined, after: TaskView): void
  workerChanged(before: Worker | undefined, after: WorkerView): void
}

export function createActivity(): Activity {
  const list = signal<readonly Happening[]>([])

  function add(happenings: readonly Happening[]): void {
    const known = new Set(list.value.map((happening) => happening.key))
    const fresh = happenings.filter((happening) => !known.has(happening.key))
    if (fresh.length > 0) list.value = [...fresh, ...list.value].sort((one, two) => two.time - one.time).slice(0, ACTIVITY_MAX)
  }

  return {
    list,
    begin: (tasks) => add(tasks.map(ofTask)),
    taskChanged(before, after) {
      const moved = before === undefined || before.state !== after.state || before.attempts.length !== after.attempts.length
      if (moved) add([ofTask(after)])
    },
    workerChanged(before, after) {
      if (before?.state === after.state && before.mode === after.mode) return
      add([ofWorker(before, after)])
    },
  }
}

function ofTask(task: TaskView): Happening {
  const attempt = lastAttempt(task)
  const time = hasEnded(task.state)
    ? (task.result?.endedAt ?? task.updatedAt)
    : task.state === 'running'
      ? (attempt?.startedAt ?? task.updatedAt)
      : task.updatedAt
  const place = attempt === undefined ? '' : ` on ${attempt.workerName}`
  const end = task.result === undefined ? '' : endText(task.result)
  const texts: Record<TaskStateName, string> = {
    blocked: 'waits for other tasks',
    scheduled: attempt === undefined ? 'scheduled for later' : `will be tried again after attempt ${task.attempts.length}${place}`,
    ready: `published by ${task.authorName}`,
    running: `${task.attempts.length > 1 ? `attempt ${task.attempts.length} ` : ''}started${place}`,
    succeeded: `succeeded${place}`,
    failed: `failed${place}${end && `: ${end}`}`,
    dead: `used all attempts${end && `, last: ${end}`}`,
    cancelled: 'cancelled',
  }
  return {
    key: `${task.id}/${task.state}/${task.attempts.length}`,
    time,
    subject: 'task',
    state: task.state,
    href: `/tasks/${task.id}`,
    title: titleOf(task),
    text: texts[task.state],
  }
}

function ofWorker(before: Worker | undefined, after: WorkerView): Happening {
  const states = { alive: 'answers again', suspect: 'does not answer', dead: 'is offline', left: 'left the mesh' } as const
  const modes = {
    active: 'takes work again',
    draining: 'is draining: finishes its work, takes no more',
    leaving: 'is leaving the mesh',
  } as const
  const text = before === undefined ? 'joined the mesh' : before.state !== after.state ? states[after.state] : modes[after.mode]
  const time = Date.now()
  return {
    key: `${after.peerId}/${time}`,
    time,
    subject: 'worker',
    state: after.state,
    href: `/workers/${after.peerId}`,
    title: after.name,
    text,
  }
}
