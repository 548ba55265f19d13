// More nodes than are linked each with each: news reaches all of them by way of others, a call reaches a worker without a link,
// and a death is known everywhere.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh, startRealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'

const NODES = 14
const AT_ONCE = 3
const PATIENCE_MS = 120_000

let mesh: RealMesh

beforeAll(async () => {
  mesh = await createRealMesh()
  const first = await mesh.add('node-1', ['--slots', '1'])
  // One invite for all of them: making one costs as much as half a start.
  const { invite } = JSON.parse((await first.cli('invite', '--json', '--uses', String(NODES))).stdout) as { invite: string }
  for (let index = 1; index < NODES; index += AT_ONCE) {
    const names = Array.from({ length: Math.min(AT_ONCE, NODES - index) }, (_, i) => `node-${index + i + 1}`)
    const started = names.map((name) => startRealNode(join(mesh.dir, name), name, ['--slots', '1'], ['--join', invite]))
    mesh.nodes.push(...(await Promise.all(started)))
  }
}, 5 * PATIENCE_MS)
afterAll(() => mesh.close())

async function statesOf(name: string, at: readonly RealNode[]): Promise<string[]> {
  const views = await Promise.all(at.map((node) => node.mesh()))
  return views.map((view) => view.members.find((member) => member.name === name)?.state ?? 'unknown')
}

test(
  'fourteen nodes see each other, keep one fold, and not every two are linked',
  async () => {
    const all = async (): Promise<boolean> => {
      const views = await Promise.all(mesh.nodes.map((node) => node.mesh()))
      const seesAll = views.every((view) => view.members.filter((member) => member.state === 'alive').length === NODES)
      return seesAll && new Set(views.map((view) => view.foldHash)).size === 1
    }
    await until(all, { what: 'fourteen nodes that see each other', timeoutMs: PATIENCE_MS, intervalMs: 500 })
    const isMissingLink = async (): Promise<boolean> => {
      const views = await Promise.all(mesh.nodes.map((node) => node.mesh()))
      return views.some((view) => view.members.some((member) => !member.self && member.roundTripMs === null))
    }
    await until(isMissingLink, { what: 'two nodes without a link', timeoutMs: PATIENCE_MS, intervalMs: 500 })
  },
  2 * PATIENCE_MS,
)

test(
  'work on a worker without a link is seen from elsewhere, and its death is known to all',
  async () => {
    const last = mesh.nodes.at(-1) as RealNode
    const others = mesh.nodes.slice(0, -1)
    const far = (await Promise.all(others.map(async (node) => ({ node, view: await node.mesh() })))).find(({ view }) =>
      view.members.some((member) => member.name === last.name && member.roundTripMs === null),
    )
    const { code, stdout, stderr } = await (far?.node ?? others[0])!.cli('task', 'run', '--worker', last.name, '--', 'echo', 'hi')
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: 'hi\n' })
    await last.kill()
    await until(async () => (await statesOf(last.name, others)).every((state) => state === 'dead'), {
      what: 'a death that all know of',
      timeoutMs: 20_000,
      intervalMs: 200,
    })
    await last.restart()
    await until(async () => (await statesOf(last.name, others)).every((state) => state === 'alive'), {
      what: 'a return that all know of',
      timeoutMs: PATIENCE_MS,
      intervalMs: 500,
    })
  },
  2 * PATIENCE_MS,
)
