// Retention without a clock: of all IDs ever added the newest are kept, up to a count and a number of bytes. What falls out
// sets a floor that only rises, and nothing below it is taken in again: so the result depends on the set alone, not on the order.
export type Newest<Id extends string> = {
  /** @returns what fell out, which may be `id` itself; undefined where it is below the floor or known already */
  add(id: Id, bytes: number): Id[] | undefined
  admits(id: Id): boolean
  floor(): string
}

/** The size of an ID must always be told the same. */
export function createNewest<Id extends string>(limits: { count: number; bytes: number }): Newest<Id> {
  /** Oldest first. */
  const kept: { id: Id; bytes: number }[] = []
  let total = 0
  let floor = ''
  return {
    add(id, bytes) {
      if (id <= floor) return undefined
      let at = kept.length
      while (at > 0 && (kept[at - 1]?.id ?? '') > id) at -= 1
      if (kept[at - 1]?.id === id) return undefined
      kept.splice(at, 0, { id, bytes })
      total += bytes
      const out: Id[] = []
      while (kept.length > limits.count || total > limits.bytes) {
        const oldest = kept.shift()
        if (oldest === undefined) break
        total -= oldest.bytes
        floor = oldest.id
        out.push(oldest.id)
      }
      return out
    },
    admits: (id) => id > floor,
    floor: () => floor,
  }
}
