// How long claims took, read from the histogram of each node's own metrics page, beside the round trips of its links.
import type { RealMesh } from '../../support/real-mesh.ts'
import { median } from '../figures.ts'

/** Claims up to each bound, by the bound in ms; of all nodes together. */
type Buckets = Map<number, number>

export async function claimBuckets({ nodes }: RealMesh): Promise<Buckets> {
  const sums: Buckets = new Map()
  for (const node of nodes) {
    const headers = { authorization: `Bearer ${node.token}` }
    const page = await (await fetch(`${node.ready.http}/metrics`, { headers })).text()
    for (const [, bound = '', count = ''] of page.matchAll(/^nimbus_claim_seconds_bucket\{le="([^"]+)"\} (\d+)/gm)) {
      const ms = bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound) * 1000
      sums.set(ms, (sums.get(ms) ?? 0) + Number(count))
    }
  }
  return sums
}

/** The share's duration in ms between two readings, interpolated inside its bucket. */
export function claimQuantile(before: Buckets, after: Buckets, share: number): number {
  const counts = [...after].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const).sort(([a], [b]) => a - b)
  const wanted = (counts.at(-1)?.[1] ?? 0) * share
  let [lowMs, lowCount] = [0, 0]
  for (const [boundMs, count] of counts) {
    if (count >= wanted && count > lowCount) return lowMs + ((boundMs - lowMs) * (wanted - lowCount)) / (count - lowCount)
    ;[lowMs, lowCount] = [boundMs, count]
  }
  return Number.NaN
}

/** The middle one of all links of the mesh, ms. */
export async function linkRoundTripMs({ nodes }: RealMesh): Promise<number> {
  const views = await Promise.all(nodes.map((node) => node.mesh()))
  const trips = views.flatMap(({ members }) => members.flatMap(({ roundTripMs }) => (roundTripMs === null ? [] : [roundTripMs])))
  return median(trips)
}
