// The membership machine under a virtual clock: several nodes, their links and their stalls, without a socket.
import { expect, test } from 'vitest'
import { createSeededRandom } from '../../../node/kernel/random.ts'
import type { Membership, MemberState } from '../../../node/mesh/membership.ts'
import { createMembership, MEMBERSHIP_PRESETS } from '../../../node/mesh/membership.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { VirtualClock } from '../../support/virtual-clock.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

type Net = {
  clock: VirtualClock
  names: PeerId[]
  node(name: string): Membership
  /** What `name` has seen, as `peer state`. */
  changes(name: string): string[]
  sent(): number
  /** Links given up as silent, as `node peer`. */
  silentLinks: string[]
  /** Answers nothing any more, but its links stay open. */
  hang(name: string): void
  /** Its links close at once everywhere. */
  kill(name: string): void
  cut(one: string, other: string): void
  /** Nothing crosses between the two any more, and their link stays open. */
  drop(one: string, other: string): void
}

function createNet(count: number, seed = 1): Net {
  const clock = createVirtualClock()
  const names = Array.from({ length: count }, (_, index) => `n${index}` as PeerId)
  const silent = new Set<string>()
  const cuts = new Set<string>()
  const changes = new Map<string, string[]>()
  const nodes = new Map<string, Membership>()
  const silentLinks: string[] = []
  const deaf = new Set<string>()
  let sent = 0
  const isLinked = (one: string, other: string): boolean => one !== other && !cuts.has(`${one} ${other}`)
  for (const [index, name] of names.entries()) {
    const others = names.filter((other) => other !== name)
    const seen: string[] = []
    changes.set(name, seen)
    const membership = createMembership(
      {
        clock,
        random: createSeededRandom(seed + index),
        send(peer, message) {
          sent++
          clock.after(2, () => {
            if (!silent.has(name) && !silent.has(peer) && !deaf.has(`${name} ${peer}`) && isLinked(name, peer))
              nodes.get(peer)?.receive(name, message)
          })
        },
        members: () => others,
        linked: () => others.filter((other) => isLinked(name, other)),
        onChange: (peer: PeerId, state: MemberState) => seen.push(`${peer} ${state}`),
        onSilentLink: (peer: PeerId) => silentLinks.push(`${name} ${peer}`),
      },
      MEMBERSHIP_PRESETS.local,
    )
    nodes.set(name, membership)
  }
  const cut = (one: string, other: string): void => {
    cuts.add(`${one} ${other}`).add(`${other} ${one}`)
    nodes.get(one)?.peerDown(other as PeerId)
    nodes.get(other)?.peerDown(one as PeerId)
  }
  for (const [name, node] of nodes) {
    for (const other of names) if (other !== name) node.peerUp(other)
    node.start()
  }
  return {
    clock,
    names,
    node: (name) => nodes.get(name) as Membership,
    changes: (name) => changes.get(name) ?? [],
    sent: () => sent,
    silentLinks,
    hang: (name) => void silent.add(name),
    kill(name) {
      silent.add(name)
      for (const other of names) if (other !== name) cut(name, other)
    },
    cut,
    drop: (one, other) => void deaf.add(`${one} ${other}`).add(`${other} ${one}`),
  }
}

test('in a quiet mesh nobody is ever suspected, and a node sends one probe and one answer a second', () => {
  const net = createNet(5)
  net.clock.advance(600_000)
  for (const name of net.names)
    expect(net.changes(name)).toEqual(net.names.filter((other) => other !== name).map((other) => `${other} alive`))
  expect(net.sent() / 5 / 600).toBeLessThanOrEqual(2.01)
})

test('a killed member is dead for all as soon as a neighbour confirms the closed link', () => {
  const net = createNet(5)
  net.clock.advance(5000)
  net.kill('n4')
  net.clock.advance(20)
  for (const name of ['n0', 'n1', 'n2', 'n3']) expect(net.changes(name).slice(-2)).toEqual(['n4 suspect', 'n4 dead'])
})

test('with nobody to ask, a closed link becomes death after the time of suspicion', () => {
  const net = createNet(2)
  net.clock.advance(5000)
  net.kill('n1')
  net.clock.advance(MEMBERSHIP_PRESETS.local.suspicionMs - 1)
  expect(net.node('n0').stateOf('n1' as PeerId)).toBe('suspect')
  net.clock.advance(1)
  expect(net.node('n0').stateOf('n1' as PeerId)).toBe('dead')
})

test('a member that hangs with open links is found by all within four seconds, for many seeds', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const net = createNet(5, seed * 100)
    net.clock.advance(5000)
    net.hang('n2')
    net.clock.advance(4000)
    for (const name of ['n0', 'n1', 'n3', 'n4'])
      expect(`seed ${seed} ${name} ${net.node(name).stateOf('n2' as PeerId)}`).toBe(`seed ${seed} ${name} dead`)
  }
})

test('a link between two that breaks while the rest reach both makes neither of them dead', () => {
  const net = createNet(5)
  net.clock.advance(5000)
  net.cut('n0', 'n1')
  net.clock.advance(60_000)
  expect(net.node('n0').stateOf('n1' as PeerId)).toBe('alive')
  expect(net.node('n1').stateOf('n0' as PeerId)).toBe('alive')
  expect(net.changes('n0')).not.toContain('n1 dead')
})

test('a link over which nothing comes is given up within some seconds, also where others reach the member', () => {
  const net = createNet(5)
  net.clock.advance(5000)
  net.drop('n0', 'n1')
  net.clock.advance(12_000)
  expect(new Set(net.silentLinks)).toEqual(new Set(['n0 n1', 'n1 n0']))
  expect(net.node('n0').stateOf('n1' as PeerId)).toBe('alive')
})

test('no link is given up while a member is only slow', () => {
  const net = createNet(5)
  net.clock.advance(5000)
  net.hang('n4')
  net.clock.advance(4000)
  for (const name of ['n0', 'n1', 'n2', 'n3']) net.node(name).heard('n4' as PeerId)
  net.clock.advance(4000)
  // What hung hears nothing either, and gives up its own links: the others count here.
  const given = (): string[] => net.silentLinks.filter((link) => !link.startsWith('n4'))
  expect(given()).toEqual([])
  net.clock.advance(8000)
  expect(new Set(given())).toEqual(new Set(['n0 n4', 'n1 n4', 'n2 n4', 'n3 n4']))
})

test('a dead member is alive again with its first sign of life', () => {
  const net = createNet(3)
  net.clock.advance(2000)
  net.kill('n2')
  net.clock.advance(2000)
  expect(net.node('n0').stateOf('n2' as PeerId)).toBe('dead')
  net.node('n0').peerUp('n2' as PeerId)
  expect(net.node('n0').stateOf('n2' as PeerId)).toBe('alive')
})

test('a node whose own loop stands still grants the others more time', () => {
  const net = createNet(2)
  net.clock.advance(2000)
  net.node('n0').onLoopDelay(400)
  net.kill('n1')
  net.clock.advance(MEMBERSHIP_PRESETS.local.suspicionMs * 4)
  expect(net.node('n0').stateOf('n1' as PeerId)).toBe('suspect')
})

test('a member that left stays left, whatever is heard of it', () => {
  const net = createNet(3)
  net.clock.advance(2000)
  net.node('n0').left('n2' as PeerId)
  net.node('n0').peerUp('n2' as PeerId)
  net.clock.advance(5000)
  expect(net.node('n0').stateOf('n2' as PeerId)).toBe('left')
})
