// `npm run bench` runs every benchmark, `npm run bench -- NAME` one of them. Each prints a table; none of them judges.
import { clone } from './repos/clone.ts'
import { failover } from './failover.ts'
import { idle } from './idle.ts'
import { queue } from './queue/compare.ts'
import { depth } from './queue/depth.ts'
import { publish } from './queue/publish.ts'
import { growth } from './scale/growth.ts'
import { scale } from './scale/simulated.ts'
import { start } from './start.ts'
import { visible } from './visible.ts'

const BENCHMARKS: Record<string, () => Promise<void>> = {
  start,
  idle,
  visible,
  failover,
  queue,
  publish,
  'queue-depth': depth,
  scale,
  growth,
  clone,
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(BENCHMARKS, name))
if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(', ')}; there are ${Object.keys(BENCHMARKS).join(', ')}.`)
  process.exit(2)
}
for (const name of asked.length > 0 ? asked : Object.keys(BENCHMARKS)) await BENCHMARKS[name]?.()
process.exit(0)
