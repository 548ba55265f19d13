// Replays one seed: node test/mesh/replay.ts SEED [PLAN]. Without a plan it is the one of CI. Prints the violations, the counts and the end state of each node.
import type { PeerId } from '../../protocols/ids.ts'
import { shortName } from './promises.ts'
import type { SimNode } from './parts/world.ts'
import type { Plan } from './parts/plans.ts'
import { CALM_TWELVE, DEFAULT_PLAN, LOST_MAJORITY, LOST_SEAT, NAMED, planOf, STALLS, STORM } from './parts/plans.ts'
import { simulate } from './simulator.ts'

const PLANS: Record<string, Plan> = {
  mixed: DEFAULT_PLAN,
  storm: STORM,
  stalls: STALLS,
  calm: CALM_TWELVE,
  names: NAMED,
  seat: LOST_SEAT,
  majority: LOST_MAJORITY,
}

const [seed = '', name] = process.argv.slice(2)
const plan = name === undefined ? planOf(Number(seed)) : PLANS[name]
if (!/^\d+$/.test(seed) || plan === undefined) {
  console.error(`usage: node test/mesh/replay.ts SEED [${Object.keys(PLANS).join('|')}]`)
  process.exitCode = 2
} else {
  const { violations, counts, virtualMs, events } = await simulate(Number(seed), plan, printNodes)
  console.log(counts)
  console.log(`seed ${seed}, ${events} events, ${Math.round(virtualMs)} virtual ms, ${violations.length} broken promises`)
  for (const violation of violations) console.log(`  ${violation}`)
  if (violations.length > 0) process.exitCode = 1
}

function printNodes(nodes: ReadonlyMap<PeerId, SimNode>): void {
  for (const { peer, engine } of nodes.values()) {
    if (engine === undefined) continue
    const { version, seats } = engine.seats.config()
    console.log(
      `node ${shortName(peer)}: fold ${engine.fold.hash().slice(0, 8)}, terms ${engine.terms().join(' ')}, ${engine.scheduler.open()} tasks to claim`,
    )
    console.log(`  seats v${version} ${seats.map(shortName).join(' ')}${engine.seats.votes(version) ? ', votes' : ''}`)
    console.log(
      `  logs ${engine
        .heads()
        .map(([author, , seq]) => `${shortName(author)}:${seq}`)
        .join(' ')}`,
    )
    for (const run of engine.execution.runs()) console.log(`  run ${run.task} epoch ${run.epoch} ${run.phase}`)
    for (const { id, value, cancel } of engine.fold.tasks()) {
      if (value.state !== 'settled') console.log(`  open ${id} ${JSON.stringify(value)}${cancel === undefined ? '' : ' cancel asked'}`)
    }
  }
}
