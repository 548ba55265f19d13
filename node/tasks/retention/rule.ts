// How long this node keeps the files of a task, and what it says when somebody asks for them afterwards. The task itself stays.
import type { Clock } from '../../kernel/clock.ts'
import { nextTurn } from '../../kernel/clock.ts'
import { formatDuration } from '../../kernel/durations.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { hlcToMs } from '../../kernel/hlc.ts'
import type { Fold, TaskState } from '../fold/fold.ts'
import { blobsOfTask } from './named-blobs.ts'

/** Tasks looked at before everything else has its turn. */
export const TASKS_A_TURN = 2_000

export type RetentionRule = {
  retentionMs: number
  /** The task was settled longer ago than its files are kept. */
  isOver(state: TaskState): boolean
  /** Tasks name this blob, and all of them are over; to be asked where the blob is nowhere. */
  isLost(hash: string): Promise<boolean>
  refusal(code: 'log-expired' | 'artifact-expired', what: string): NimbusError
}

export function createRetentionRule(clock: Pick<Clock, 'wallMs'>, fold: Pick<Fold, 'tasks'>, retentionMs: number): RetentionRule {
  const isOver = ({ value, updated }: TaskState): boolean => value.state === 'settled' && clock.wallMs() - hlcToMs(updated) > retentionMs
  return {
    retentionMs,
    isOver,
    async isLost(hash) {
      let seen = 0
      let named = false
      for (const state of fold.tasks()) {
        if ([...blobsOfTask(state)].includes(hash)) {
          if (!isOver(state)) return false
          named = true
        }
        seen += 1
        if (seen % TASKS_A_TURN === 0) await nextTurn()
      }
      return named
    },
    refusal: (code, what) =>
      new NimbusError(code, `${what} was removed after its retention of ${formatDuration(retentionMs)}.`, {
        kind: 'missing',
        cure: 'It cannot be brought back; run the task again. A node keeps files longer with nimbus up --retention 30d.',
      }),
  }
}
