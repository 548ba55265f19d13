// Waits for a condition instead of sleeping: polls until it holds, and names what it waited for when it never does.
import { setTimeout as pause } from 'node:timers/promises'
import { inspect } from 'node:util'

export interface UntilOptions {
  /** What is awaited, as the end of "waited for …"; it stands in the error. */
  what?: string
  timeoutMs?: number
  intervalMs?: number
}

/**
 * Resolves with the condition's first truthy value. A condition that throws counts as not yet true; its last error
 * becomes the cause of the timeout. A condition that hangs is cut off by the same deadline.
 */
export async function until<T>(condition: () => T | Promise<T>, options: UntilOptions = {}): Promise<Truthy<T>> {
  const { what = 'a condition', timeoutMs = 30_000, intervalMs = 20 } = options
  const settled = new AbortController()
  const deadline = pause(timeoutMs, 'deadline' as const, { signal: settled.signal })
  const last: Last = { attempts: 0 }
  try {
    for (;;) {
      const outcome = await Promise.race([attempt(condition, last), deadline])
      if (outcome === 'deadline') throw timedOut(what, timeoutMs, last)
      if (outcome.value) return outcome.value as Truthy<T>
      if ((await Promise.race([pause(intervalMs), deadline])) === 'deadline') throw timedOut(what, timeoutMs, last)
    }
  } finally {
    settled.abort()
  }
}

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>

interface Last {
  attempts: number
  value?: unknown
  error?: unknown
}

async function attempt<T>(condition: () => T | Promise<T>, last: Last): Promise<{ value: T | undefined }> {
  last.attempts += 1
  try {
    const value = await condition()
    last.value = value
    delete last.error
    return { value }
  } catch (error) {
    last.error = error
    return { value: undefined }
  }
}

function timedOut(what: string, timeoutMs: number, last: Last): Error {
  const seen = last.error === undefined ? `the last value was ${inspect(last.value)}` : `the last attempt threw: ${inspect(last.error)}`
  return new Error(`waited ${timeoutMs} ms for ${what}, ${last.attempts} attempts; ${seen}`, { cause: last.error })
}
