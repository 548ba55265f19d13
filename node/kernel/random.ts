// Randomness comes only through a Random, so that a run can be replayed from its seed.
import { randomBytes } from 'node:crypto'

export type Random = {
  /** Uniform in [0, 1). */
  next(): number
  bytes(length: number): Uint8Array
}

export function createSystemRandom(): Random {
  return { next: () => randomBytes(4).readUInt32LE() / 2 ** 32, bytes: (length) => new Uint8Array(randomBytes(length)) }
}

/** A small seeded generator (splitmix32): good enough for schedules and faults, never for secrets. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32
  }
  return { next, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)) }
}

/** One of `items`, uniformly; undefined where there is none. */
export function pick<Item>(random: Random, items: readonly Item[]): Item | undefined {
  return items[Math.floor(random.next() * items.length)]
}
