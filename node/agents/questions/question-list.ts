// Which questions there are: all open ones, and the newest that have ended. Follows from the fold; bounded.
import type { TaskId } from '../../../protocols/ids.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'
import { isQuestion } from './question-view.ts'

/** Ended questions that a list still shows; each stays to be found by its ID. */
const ENDED_MAX = 1_000

export type QuestionList = {
  /** @returns whether this is news: `asked`, or `ended` */
  note(state: TaskState): 'asked' | 'ended' | undefined
  open(): TaskId[]
  /** Open ones first, then the ended, newest first. */
  all(): TaskId[]
}

export function createQuestionList(): QuestionList {
  const open = new Set<TaskId>()
  const ended = new Set<TaskId>()
  return {
    note(state) {
      if (!isQuestion(state)) return undefined
      if (state.value.state !== 'settled') {
        if (open.has(state.id)) return undefined
        open.add(state.id)
        return 'asked'
      }
      open.delete(state.id)
      if (ended.has(state.id)) return undefined
      ended.add(state.id)
      for (const oldest of ended) if (ended.size <= ENDED_MAX || !ended.delete(oldest)) break
      return 'ended'
    },
    open: () => [...open],
    all: () => [...[...open].reverse(), ...[...ended].reverse()],
  }
}
