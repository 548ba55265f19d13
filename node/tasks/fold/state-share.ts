// What one task adds to the hash of the fold: all that is known of it, mixed into four numbers. Parts that tasks share are
// hashed once for those that follow each other.
import { encode } from '@ipld/dag-cbor'
import { createHash } from 'node:crypto'
import type { TaskState } from './task-state.ts'

const WORDS = 4
const NOTHING = new Uint32Array(WORDS)
const SEEDS = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344] as const
const PRIMES = [0x01000193, 0x85ebca6b, 0xc2b2ae35, 0x9e3779b1] as const

export function createShare(): (state: TaskState, lanes: Uint32Array) => void {
  const digests = [digestOfLast(), digestOfLast(), digestOfLast(), digestOfLast()] as const
  return (state, lanes) => {
    lanes.set(SEEDS)
    for (let i = 0; i < state.id.length; i++) mix(lanes, state.id.charCodeAt(i))
    const written = state.records === undefined ? state.task : [...state.records].sort((a, b) => (a[0] < b[0] ? -1 : 1))
    for (const digest of [digests[0](written), digests[1](state.cancel), digests[2](state.value), digests[3](state.attempts)])
      for (const word of digest) mix(lanes, word)
    mix(lanes, Math.floor(state.updated / 2 ** 32))
    mix(lanes, state.updated >>> 0)
  }
}

function mix(lanes: Uint32Array, word: number): void {
  for (let i = 0; i < lanes.length; i++) {
    const mixed = Math.imul((lanes[i] as number) ^ word, PRIMES[i] as number)
    lanes[i] = mixed ^ (mixed >>> 15)
  }
}

function digestOfLast(): (part: object | undefined) => Uint32Array {
  let last: object | undefined
  let digest: Uint32Array = NOTHING
  return (part) => {
    if (part === last) return digest
    last = part
    digest = part === undefined ? NOTHING : wordsOf(part)
    return digest
  }
}

function wordsOf(part: object): Uint32Array<ArrayBuffer> {
  const hash = createHash('sha256').update(encode(part)).digest()
  return Uint32Array.from({ length: WORDS }, (_, i) => hash.readUInt32LE(i * 4))
}
