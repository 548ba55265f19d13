// A sum over the states of all tasks that can be kept up to date: each state adds its SHA-256 as eight numbers, a changed one
// takes its old share out again. Order does not matter, and asking costs only what changed.
import { encode } from '@ipld/dag-cbor'
import { createHash } from 'node:crypto'
import type { TaskState } from './fold.ts'

const LANES = 8

export type StateSum = {
  /** The state is about to change. */
  changes(state: TaskState): void
  /** 32 bytes. */
  bytes(): Uint8Array
}

export function createStateSum(): StateSum {
  const lanes = new Uint32Array(LANES)
  const shares = new Map<TaskState, Uint32Array>()
  const changed = new Set<TaskState>()
  return {
    changes(state) {
      const share = shares.get(state)
      if (share !== undefined) {
        for (let i = 0; i < LANES; i++) lanes[i] = (lanes[i] as number) - (share[i] as number)
        shares.delete(state)
      }
      changed.add(state)
    },
    bytes() {
      for (const state of changed) {
        const share = shareOf(state)
        shares.set(state, share)
        for (let i = 0; i < LANES; i++) lanes[i] = (lanes[i] as number) + (share[i] as number)
      }
      changed.clear()
      return new Uint8Array(lanes.buffer.slice(0))
    },
  }
}

function shareOf({ id, task, cancel, value, attempts, updated }: TaskState): Uint32Array {
  const history = [...attempts.values()].sort((a, b) => a.epoch - b.epoch)
  // DAG-CBOR knows no `undefined`.
  const digest = createHash('sha256').update(encode([id, task ?? null, cancel ?? null, value, history, updated])).digest()
  return new Uint32Array(digest.buffer.slice(digest.byteOffset, digest.byteOffset + LANES * 4))
}
