// Publish on one node, visible on all five: from the client's POST to the event at a client of every node, beside plain
// gossipsub in the same run (there from publish() to the handler: no HTTP on either end). Five processes each, in turns.
import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { RealNode } from '../support/real-mesh.ts'
import { createRealMesh } from '../support/real-mesh.ts'
import { until } from '../support/until.ts'
import type { EventWatch } from './event-watch.ts'
import { watchTasks } from './event-watch.ts'
import { cpuMs, nowMs, percentile, printTable } from './figures.ts'
import { createGossipMesh } from './gossip-mesh.ts'

const NODES = 5
const ROUNDS = 6
const IN_ROUND = 50
const PERIOD_MS = 50
/** Publications before anything counts: code is compiled by then. */
const WARM_UP = 100

type Sample = { acknowledgedMs: number; all: number; each: number[] }

export async function visible(): Promise<void> {
  const mesh = await createRealMesh()
  const gossip = await createGossipMesh(NODES)
  try {
    for (let index = 0; index < NODES; index++) await mesh.add(`node-${index + 1}`, ['--slots', '1'])
    await mesh.settled()
    const watches = await Promise.all(mesh.nodes.map(watchTasks))
    const agent = new Agent({ keepAlive: true })
    const nimbus: Sample[] = []
    const plain: { all: number; each: number[] }[] = []
    const publishOne = async (index: number): Promise<Sample> => publishAndSee(agent, mesh.nodes[index % NODES] as RealNode, watches)
    const gossipOne = async (index: number): Promise<{ all: number; each: number[] }> => {
      const each = await gossip.publish(index % NODES)
      return { each, all: Math.max(...each) }
    }
    await paced(WARM_UP, 20, publishOne)
    await paced(WARM_UP, 20, gossipOne)
    const used = { nimbus: 0, plain: 0 }
    const nodePids = mesh.nodes.map((node) => node.ready.pid)
    for (let round = 0; round < ROUNDS; round++) {
      const beforeMs = { nimbus: await cpuMs(nodePids), plain: 0 }
      nimbus.push(...(await paced(IN_ROUND, PERIOD_MS, publishOne)))
      used.nimbus += (await cpuMs(nodePids)) - beforeMs.nimbus
      beforeMs.plain = await cpuMs(gossip.pids)
      plain.push(...(await paced(IN_ROUND, PERIOD_MS, gossipOne)))
      used.plain += (await cpuMs(gossip.pids)) - beforeMs.plain
    }
    const row = (name: string, values: number[]): (string | number)[] => [
      name,
      percentile(values, 0.5),
      percentile(values, 0.9),
      percentile(values, 0.99),
    ]
    printTable(
      `visible: ${nimbus.length} publications, about ${1000 / PERIOD_MS} a second, ${NODES} node processes (milliseconds)`,
      ['', 'p50', 'p90', 'p99'],
      [
        row(
          'nimbus, on all five',
          nimbus.map((sample) => sample.all),
        ),
        row(
          'nimbus, on one of them',
          nimbus.flatMap((sample) => sample.each),
        ),
        row(
          'nimbus, acknowledged by a majority',
          nimbus.map((sample) => sample.acknowledgedMs),
        ),
        row(
          'gossipsub, at all others',
          plain.map((sample) => sample.all),
        ),
        row(
          'gossipsub, at one of them',
          plain.flatMap((sample) => sample.each),
        ),
        [
          'nimbus / gossipsub, all',
          ...[0.5, 0.9, 0.99].map(
            (share) =>
              `x${(
                percentile(
                  nimbus.map((s) => s.all),
                  share,
                ) /
                  percentile(
                    plain.map((s) => s.all),
                    share,
                  )
              ).toFixed(2)}`,
          ),
        ],
      ],
    )
    const perNode = (ms: number): number => ms / nimbus.length / NODES
    console.log(
      `  processor time for one, per node: nimbus ${perNode(used.nimbus).toFixed(2)} ms, gossipsub ${perNode(used.plain).toFixed(2)} ms`,
    )
    for (const watch of watches) watch.close()
    agent.destroy()
  } finally {
    gossip.close()
    await mesh.close()
  }
}

/** One after another, begun at least `periodMs` apart. */
async function paced<Result>(count: number, periodMs: number, one: (index: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  for (let index = 0; index < count; index++) {
    const next = pause(periodMs)
    results.push(await one(index))
    await next
  }
  return results
}

/** A task that no worker may take, so that publishing alone is measured. */
const BODY = JSON.stringify({ argv: ['true'], skills: ['a-skill-that-nobody-has'] })

async function publishAndSee(agent: Agent, node: RealNode, watches: readonly EventWatch[]): Promise<Sample> {
  const startMs = nowMs()
  const id = await post(agent, node)
  const acknowledgedMs = nowMs() - startMs
  await until(() => watches.every((watch) => watch.seenMs(id) !== undefined), { what: `task ${id} on all nodes`, intervalMs: 5 })
  const each = watches.map((watch) => (watch.seenMs(id) ?? Number.NaN) - startMs)
  return { acknowledgedMs, all: Math.max(...each), each }
}

function post(agent: Agent, node: RealNode): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${node.token}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(BODY) }
    const sent = request(`${node.ready.http}/api/tasks`, { agent, method: 'POST', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        const { id } = JSON.parse(text) as { id?: string }
        if (id === undefined) reject(new Error(`publish on ${node.name} answered ${response.statusCode}: ${text}`))
        else resolve(id)
      })
    })
    sent.on('error', reject)
    sent.end(BODY)
  })
}
