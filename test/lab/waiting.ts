// What the tests of the laboratory wait for and watch meanwhile.
import type { RealNode } from '../support/real-mesh.ts'
import { until } from '../support/until.ts'
import { upMs } from '../support/witness.ts'

/** The wait that a fault needs to have its effect. */
export async function passed(sinceMs: number, ms: number): Promise<void> {
  await until(() => upMs() - sinceMs >= ms, { what: `${ms} ms to pass`, timeoutMs: ms + 5_000, intervalMs: 50 })
}

/** Counts how often one of these nodes calls another one dead. */
export function watchDead(nodes: readonly RealNode[]): { stop(): Promise<number> } {
  const stopping = new AbortController()
  const dead = new Set<string>()
  const watching = until(
    async () => {
      for (const view of await Promise.all(nodes.map((node) => node.mesh())))
        for (const member of view.members) if (member.state === 'dead') dead.add(`${view.self.name} ${member.name}`)
      return stopping.signal.aborted
    },
    { what: 'the watch to be stopped', timeoutMs: 120_000, intervalMs: 250 },
  )
  return {
    async stop() {
      stopping.abort()
      await watching
      return dead.size
    },
  }
}
