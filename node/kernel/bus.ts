// A typed in-process bus. A listener that throws does not keep the others from hearing.
import type { Cancel } from './clock.ts'

export type Bus<Events extends Record<string, unknown>> = {
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): Cancel
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void
}

export function createBus<Events extends Record<string, unknown>>(onError: (error: unknown) => void): Bus<Events> {
  const listeners = new Map<keyof Events, Set<(event: never) => void>>()
  return {
    on(name, listener) {
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set)
      set.add(listener)
      return () => void set.delete(listener)
    },
    emit(name, event) {
      for (const listener of listeners.get(name) ?? []) {
        try {
          listener(event as never)
        } catch (error) {
          onError(error)
        }
      }
    },
  }
}
