// The blobs that a task names: what it was given, what its attempts left.
import type { Outcome, TaskSpec } from '../../../protocols/records.ts'
import type { TaskState } from '../fold/fold.ts'

export function* blobsOfTask(state: TaskState): Generator<string> {
  if (state.task !== undefined) yield* blobsOfSpec(state.task.spec)
  for (const record of state.records?.values() ?? []) yield* blobsOfSpec(record.spec)
  for (const { outcome } of state.attempts) yield* blobsOfOutcome(outcome)
  yield* blobsOfOutcome(state.value.outcome)
}

export function* blobsOfSpec({ dir, stdin }: TaskSpec): Generator<string> {
  if (dir !== undefined) yield dir.hash
  if (stdin !== undefined) yield stdin.hash
}

function* blobsOfOutcome(outcome: Outcome | undefined): Generator<string> {
  if (outcome?.log !== undefined) yield outcome.log.hash
  for (const { hash } of outcome?.artifacts ?? []) yield hash
}
