// A sum over many states that can be kept up to date: each state adds its SHA-256 as eight numbers, a changed one
// takes its old share out again. Order does not matter, and asking costs only what changed.
import { createHash } from 'node:crypto'

const LANES = 8

export type StateSum<State> = {
  /** The state is about to change. */
  changes(state: State): void
  /** 32 bytes. */
  bytes(): Uint8Array
}

/** @param bytesOf the canonical bytes of a state */
export function createStateSum<State>(bytesOf: (state: State) => Uint8Array): StateSum<State> {
  const lanes = new Uint32Array(LANES)
  const shares = new Map<State, Uint32Array>()
  const changed = new Set<State>()
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
        const digest = createHash('sha256').update(bytesOf(state)).digest()
        const share = new Uint32Array(digest.buffer.slice(digest.byteOffset, digest.byteOffset + LANES * 4))
        shares.set(state, share)
        for (let i = 0; i < LANES; i++) lanes[i] = (lanes[i] as number) + (share[i] as number)
      }
      changed.clear()
      return new Uint8Array(lanes.buffer.slice(0))
    },
  }
}
