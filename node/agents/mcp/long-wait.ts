// A bounded wait for something that may take for ever: a tool must not hold its client longer than clients wait, so it answers in
// time and says how to go on. Meanwhile the client is told that it still waits.
import type { ToolRun } from './tool.ts'

/** Below the minute after which clients give up a call. */
export const WAIT_SECONDS_MAX = 50
const TELL_MS = 2_000

/**
 * @param wait settles when it has happened; its signal fires when the time is over or the client cancels
 * @returns undefined where it has not happened in time
 */
export async function longWait<Result>(
  { clock, signal, progress }: Pick<ToolRun, 'clock' | 'signal' | 'progress'>,
  seconds: number,
  message: string,
  wait: (signal: AbortSignal) => Promise<Result>,
): Promise<Result | undefined> {
  const startMs = clock.nowMs()
  const over = new AbortController()
  const end = clock.after(seconds * 1000, () => over.abort())
  const cancelled = (): void => over.abort(signal.reason)
  signal.addEventListener('abort', cancelled)
  if (signal.aborted) cancelled()
  let tell = (): void => {}
  const later = (): void => {
    tell = clock.after(TELL_MS, () => {
      void progress(Math.round((clock.nowMs() - startMs) / 1000), seconds, message).catch(() => {}) // nobody listens any more
      later()
    })
  }
  later()
  try {
    return await wait(over.signal)
  } catch (error) {
    if (over.signal.aborted && !signal.aborted) return undefined
    throw error
  } finally {
    end()
    tell()
    signal.removeEventListener('abort', cancelled)
  }
}
