// What running attempts are doing, here and elsewhere. Progress is told to linked members a few times a second and never stored.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { LinkMessage, LinkMessageOf } from '../../../protocols/streams.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { Progress } from '../work/prepare-run.ts'

const TELL_MS = 300
/** Attempts of other nodes whose progress is remembered; the oldest is forgotten first. */
const REMEMBERED_MAX = 2_000
/** Said when an attempt is past its preparations. */
const RUNNING: Progress = { phase: 'running', message: '' }

export type ProgressBoard = {
  note(task: TaskId, epoch: number, progress: Progress | undefined): void
  receive(from: PeerId, message: LinkMessageOf<'progress'>): void
  of(task: TaskId, epoch: number): Progress | undefined
}

export function createProgressBoard(components: {
  clock: Clock
  self: PeerId
  tell(message: LinkMessage): void
  onChange(task: TaskId): void
}): ProgressBoard {
  const board = new Map<string, Progress>()
  /** Runs that told something a moment ago, and those of them that have more to tell. */
  const timers = new Map<string, Cancel>()
  const stale = new Set<string>()

  const set = (task: TaskId, epoch: number, progress: Progress): void => {
    const key = `${task}/${epoch}`
    board.delete(key)
    if (progress.phase !== 'running') board.set(key, progress)
    if (board.size > REMEMBERED_MAX) board.delete(board.keys().next().value as string)
    components.onChange(task)
  }
  const tell = (task: TaskId, epoch: number): void => {
    const key = `${task}/${epoch}`
    components.tell({ t: 'progress', task, epoch, ...(board.get(key) ?? RUNNING) })
    const next = (): void => {
      timers.delete(key)
      if (stale.delete(key)) tell(task, epoch)
    }
    timers.set(key, components.clock.after(TELL_MS, next))
  }
  return {
    note(task, epoch, progress) {
      const key = `${task}/${epoch}`
      if (progress === undefined && !board.has(key)) return
      set(task, epoch, progress ?? RUNNING)
      // The first word at once: a short clone would be over before anybody heard of it.
      if (timers.has(key)) stale.add(key)
      else tell(task, epoch)
    },
    receive(_from, { task, epoch, phase, message, percent, costUsd }) {
      set(task, epoch, {
        phase,
        message,
        ...(percent === undefined ? {} : { percent }),
        ...(costUsd === undefined ? {} : { costUsd }),
      })
    },
    of: (task, epoch) => board.get(`${task}/${epoch}`),
  }
}
