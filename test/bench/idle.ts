// What a node costs that does nothing: resident memory beside libp2p alone, and bytes on the wire at five nodes. Bytes are
// the payload that the kernel counted for each connected TCP socket between the nodes (`ss -ti`: bytes_sent, and again
// for what was sent twice); TCP and IP headers are not in it. Idle nodes send no datagrams.
import { execFile } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { RealMesh } from '../support/real-mesh.ts'
import { createRealMesh } from '../support/real-mesh.ts'
import { memoryOf, printTable } from './figures.ts'
import { createGossipMesh } from './gossip-mesh.ts'

const NODES = 5
/** After the last join: identify, hellos, anti-entropy and gossip's first grafts are over by then. */
const SETTLE_MS = 25_000
const MEASURE_MS = 30_000

const run = promisify(execFile)

export async function idle(): Promise<void> {
  const mesh = await createRealMesh()
  const gossip = await createGossipMesh(NODES)
  try {
    await mesh.add('node-1')
    await pause(5_000)
    const alone = await memoryOf(mesh.nodes[0]?.ready.pid ?? 0)
    for (let index = 1; index < NODES; index++) await mesh.add(`node-${index + 1}`)
    await mesh.settled()
    await pause(SETTLE_MS)
    const [nimbus, plain] = await Promise.all([bytesPerSecond(pidsOf(mesh)), bytesPerSecond(gossip.pids)])
    printTable(
      `idle: bytes a second and node, ${NODES} nodes, ${MEASURE_MS / 1000} s (TCP payload sent, from the kernel's counters)`,
      ['', 'bytes/s', 'segments/s'],
      [
        ['nimbus', nimbus.bytes / NODES, nimbus.segments / NODES],
        ['libp2p with gossipsub alone', plain.bytes / NODES, plain.segments / NODES],
      ],
    )
    const inMesh = await memoryOf(mesh.nodes[1]?.ready.pid ?? 0)
    const libp2p = await memoryOf(gossip.pids[1] ?? 0)
    const kinds = ['rss', 'anonymous', 'file', 'shared'] as const
    printTable(
      'idle: resident memory of one process (MB)',
      ['', ...kinds],
      [
        ['nimbus, alone', ...kinds.map((kind) => alone[kind])],
        [`nimbus, one of ${NODES}`, ...kinds.map((kind) => inMesh[kind])],
        [`libp2p with gossipsub alone, one of ${NODES}`, ...kinds.map((kind) => libp2p[kind])],
      ],
    )
  } finally {
    gossip.close()
    await mesh.close()
  }
}

function pidsOf(mesh: RealMesh): number[] {
  return mesh.nodes.map((node) => node.ready.pid)
}

type Sent = { bytes: number; segments: number }

async function bytesPerSecond(pids: readonly number[]): Promise<Sent> {
  const before = await sentBy(pids)
  const startMs = performance.now()
  await pause(MEASURE_MS)
  const after = await sentBy(pids)
  const seconds = (performance.now() - startMs) / 1000
  const sum = { bytes: 0, segments: 0 }
  for (const [socket, sent] of after) {
    const first = before.get(socket) ?? { bytes: 0, segments: 0 }
    sum.bytes += sent.bytes - first.bytes
    sum.segments += sent.segments - first.segments
  }
  return { bytes: sum.bytes / seconds, segments: sum.segments / seconds }
}

/** What each socket between two of these processes has sent, by its two ends. */
async function sentBy(pids: readonly number[]): Promise<Map<string, Sent>> {
  const { stdout } = await run('ss', ['-tinpH', 'state', 'established'], { maxBuffer: 2 ** 24 })
  const sockets = new Map<string, Sent & { pid: number; local: string; peer: string }>()
  const lines = stdout.split('\n')
  for (const [index, line] of lines.entries()) {
    const ends = /^\s*\d+\s+\d+\s+(\S+)\s+(\S+).*pid=(\d+)/.exec(line)
    const counters = lines[index + 1] ?? ''
    const pid = Number(ends?.[3])
    const [local, peer] = [ends?.[1] ?? '', ends?.[2] ?? '']
    if (!pids.includes(pid)) continue
    const counter = (name: string): number => Number(new RegExp(`\\b${name}:(\\d+)`).exec(counters)?.[1] ?? 0)
    sockets.set(`${local} ${peer}`, { pid, local, peer, bytes: counter('bytes_sent'), segments: counter('segs_out') })
  }
  // A socket to somebody else (HTTP, the terminal) has no other end among these processes.
  return new Map([...sockets].filter(([, { local, peer }]) => sockets.has(`${peer} ${local}`)))
}
