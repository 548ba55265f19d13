// Measures how long a task stands still when the node that runs it dies or hangs, in a mesh that is busy with others.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { upMs, type Witness } from '../../support/witness.ts'
import { PATIENCE_MS } from '../promises/promise-mesh.ts'

export type Failure = 'kill' | 'hang'
type Start = { epoch: number; node: string; atMs: number }

/**
 * One task that waits at a gate; its holder is killed or stopped; the next run is let through.
 * @returns milliseconds from the signal to the first line of the second run, in steps of ten
 */
export async function failOnce(mesh: RealMesh, witness: Witness, round: string, failure: Failure): Promise<number> {
  const [gate, mark] = [join(mesh.dir, `gate-${round}`), join(mesh.dir, `mark-${round}`)]
  const turn = Number(round.replace(/\D/g, '')) % mesh.nodes.length
  const published = await witness.publish(mesh.nodes[turn] as RealNode, { gate, mark })
  if (published === undefined) throw new Error('the publication was not answered')
  const start = (index: number, what: string): Promise<Start> =>
    until(async () => (await startsIn(mark))[index], { what: `${what} of round ${round}`, timeoutMs: PATIENCE_MS, intervalMs: 50 })
  const first = await start(0, 'the first run')
  const victim = mesh.nodes.find(({ name }) => name === first.node)
  if (victim === undefined) throw new Error(`the first run is at ${first.node}, which is no node of this mesh`)

  const failedMs = upMs()
  if (failure === 'kill') await victim.kill()
  else victim.child.kill('SIGSTOP')
  try {
    const second = await start(1, 'the second run')
    await writeFile(gate, '')
    return second.atMs - failedMs
  } finally {
    if (failure === 'kill') await victim.restart()
    else victim.child.kill('SIGCONT')
    await mesh.settled()
  }
}

async function startsIn(mark: string): Promise<Start[]> {
  const text = await readFile(mark, 'utf8').catch(() => '') // nothing has run yet
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const [epoch, node, up] = line.split(' ')
    return { epoch: Number(epoch), node: node ?? '', atMs: Number(up) * 1000 }
  })
}
