// An agent that does not go by itself is ended: a session must not stay because its process does.
import { type Clock, sleep } from '../../kernel/clock.ts'
import type { AgentProcess } from '../driver.ts'

/** After `close`, and before each harder word. */
const CLOSE_MS = 5_000
const TERM_MS = 2_000

/** @param urgent a turn is open or the worker stops: there is nothing to wait for */
export async function closeAgent(
  clock: Clock,
  agent: AgentProcess,
  { urgent, say }: { urgent: boolean; say(text: string): void },
): Promise<void> {
  const isGone = (ms: number): Promise<boolean> => Promise.race([agent.ended.then(() => true), sleep(clock, ms).then(() => false)])
  agent.close()
  if (!urgent && (await isGone(CLOSE_MS))) return
  agent.signal('SIGTERM')
  if (await isGone(TERM_MS)) return
  agent.signal('SIGKILL')
  if (!urgent) say(`The agent did not end by itself within ${CLOSE_MS + TERM_MS} ms and was killed.`)
  await isGone(TERM_MS)
}
