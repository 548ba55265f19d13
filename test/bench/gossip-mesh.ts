// Five processes of plain gossipsub, every two linked: the yardstick for how fast news can spread on this machine.
import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { until } from '../support/until.ts'
import type { GossipOrder, GossipReport } from './gossip-peer.ts'

const PEER = fileURLToPath(new URL('gossip-peer.ts', import.meta.url))

export type GossipMesh = {
  pids: number[]
  /** One message from the peer with this index. @returns milliseconds until each of the others had it */
  publish(from: number): Promise<number[]>
  close(): void
}

export async function createGossipMesh(size: number): Promise<GossipMesh> {
  const children: ChildProcess[] = Array.from({ length: size }, () => fork(PEER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }))
  const addresses: string[][] = []
  const peers = new Map<number, number>()
  const published = new Map<number, number>()
  const heard = new Map<number, number[]>()
  children.forEach((child, index) =>
    child.on('message', (report: GossipReport) => {
      if ('listening' in report) addresses[index] = report.listening
      else if ('peers' in report) peers.set(index, report.peers)
      else if ('published' in report) published.set(report.published, report.atMs)
      else heard.set(report.heard, [...(heard.get(report.heard) ?? []), report.atMs])
    }),
  )
  const order = (child: ChildProcess | undefined, what: GossipOrder): void => void child?.send(what)
  await until(() => addresses.filter(Boolean).length === size, { what: 'gossip peers that listen', timeoutMs: 30_000 })
  for (let one = 1; one < size; one++) for (let other = 0; other < one; other++) order(children[one], { dial: addresses[other] ?? [] })
  await until(() => children.every((_, index) => peers.get(index) === size - 1), { what: 'a full mesh of gossip', timeoutMs: 30_000 })
  let last = 0
  return {
    pids: children.map((child) => child.pid ?? 0),
    async publish(from) {
      const id = ++last
      order(children[from], { publish: id })
      await until(() => heard.get(id)?.length === size - 1, { what: `message ${id} at all peers`, intervalMs: 5 })
      return (heard.get(id) ?? []).map((atMs) => atMs - (published.get(id) ?? Number.NaN))
    },
    close: () => children.forEach((child) => child.disconnect()),
  }
}
