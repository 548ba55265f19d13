// Who needs a file right now, and which files are being removed: the two wait for each other, so that nobody is left with a name
// that has just lost its content. Both end with what they guard; neither outlives the process.

export type Holds = {
  /** Settles when a removal that was under way is over; what comes back releases it, and may be called twice. */
  hold(name: string): Promise<() => void>
  /** Runs `remove` unless the name is held or being removed; false then. */
  remove(name: string, remove: () => Promise<boolean>): Promise<boolean>
}

export function createHolds(): Holds {
  const holders = new Map<string, number>()
  const removals = new Map<string, Promise<boolean>>()
  const release = (name: string): void => {
    const left = (holders.get(name) ?? 1) - 1
    if (left === 0) holders.delete(name)
    else holders.set(name, left)
  }
  return {
    async hold(name) {
      holders.set(name, (holders.get(name) ?? 0) + 1)
      await removals.get(name)?.catch(() => {}) // told to whoever removes
      let released = false
      return () => {
        if (!released) release(name)
        released = true
      }
    },
    async remove(name, remove) {
      if (holders.has(name) || removals.has(name)) return false
      const removal = remove().finally(() => removals.delete(name))
      removals.set(name, removal)
      return removal
    },
  }
}
