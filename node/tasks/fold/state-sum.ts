// A sum over many states that can be kept up to date: each state adds its share as four numbers, a changed one takes its old
// share out again. Order does not matter, and asking costs only what changed. It finds folds that differ; it is no signature.

const LANES = 4

/** Kept in each state: whether its share is in the sum. */
export type Summed = { inSum: boolean }

export type StateSum<State> = {
  /** The state is about to change. */
  changes(state: State): void
  /** A state that was not there before. */
  added(state: State): void
  bytes(): Uint8Array
}

/** @param share writes the share of a state into the lanes; it must be a function of the state alone */
export function createStateSum<State extends Summed>(share: (state: State, lanes: Uint32Array) => void): StateSum<State> {
  const sum = new Uint32Array(LANES)
  const one = new Uint32Array(LANES)
  let waiting: State[] = []
  return {
    changes(state) {
      if (!state.inSum) return
      share(state, one)
      for (let i = 0; i < LANES; i++) sum[i] = (sum[i] as number) - (one[i] as number)
      state.inSum = false
      waiting.push(state)
    },
    added: (state) => void waiting.push(state),
    bytes() {
      for (const state of waiting) {
        share(state, one)
        for (let i = 0; i < LANES; i++) sum[i] = (sum[i] as number) + (one[i] as number)
        state.inSum = true
      }
      waiting = []
      return new Uint8Array(sum.buffer.slice(0))
    },
  }
}
