// How a mesh grows, in the simulator: overlay and replication as they are, nodes on a plane with round trips of 5 to 215 ms.
// From a publication until every node has it, and what arrives at a node; time is virtual, so the machine's own speed is not in it.
import { measureSpread } from '../../mesh/scale/measure-spread.ts'
import { percentile, printTable } from '../figures.ts'
import type { Point } from './results.ts'
import { keepResults } from './results.ts'

const SIZES = [12, 50, 200, 1_000]
const AUTHORS = 20
const BLOCKS = 100

export async function scale(): Promise<void> {
  const points: Point[] = []
  for (const nodes of SIZES) {
    const { coverMs, delays, stretch, perNode, missing, roundTripMs, idleBytesPerSecond, world } = await measureSpread({
      nodes,
      seed: 1,
      authors: AUTHORS,
      blocks: BLOCKS,
    })
    const links = world.peers.slice(5).map((peer) => world.node(peer).links.size)
    const sum = (kinds: readonly string[], what: 'messages' | 'bytes'): number =>
      kinds.reduce((total, kind) => total + (perNode.get(kind)?.[what] ?? 0), 0) / BLOCKS
    points.push({
      nodes,
      'all have it, p50 (RTT)': percentile(coverMs, 0.5) / roundTripMs,
      'all have it, p99 (RTT)': percentile(coverMs, 0.99) / roundTripMs,
      'one has it, p50 (RTT)': percentile(delays, 0.5) / roundTripMs,
      'over a direct link, p50': percentile(stretch, 0.5),
      'block messages': sum(['blocks'], 'messages'),
      'block bytes': sum(['blocks'], 'bytes'),
      'other messages': sum(['have', 'prune', 'graft', 'ack'], 'messages'),
      'other bytes': sum(['have', 'prune', 'graft', 'ack'], 'bytes'),
      'links (median)': percentile(links, 0.5),
      'idle B/s': idleBytesPerSecond,
      missing: missing + world.errors.length,
    })
  }
  const columns = Object.keys(points[0] ?? {})
  printTable(
    `scale: simulated nodes, ${BLOCKS} blocks of ${AUTHORS} authors; messages and bytes for one block at one node (RTT: the mean of all pairs)`,
    columns,
    points.map((point) => columns.map((column) => (column === 'nodes' ? String(point[column]) : (point[column] ?? Number.NaN)))),
  )
  await keepResults('simulated', points, [
    { title: 'until all nodes have a block, in mean round trips', columns: ['all have it, p50 (RTT)', 'all have it, p99 (RTT)'] },
    { title: 'messages at one node for one block', columns: ['block messages', 'other messages'] },
  ])
}
