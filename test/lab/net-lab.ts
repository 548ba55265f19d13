// A network laboratory: one Linux namespace a node, joined by a bridge in a further one, where nftables cut and lose packets.
// Each node has a second cable to the test alone, for its API: no packet crosses from one such cable to another. Needs root.
import { execFileSync } from 'node:child_process'
import type { Place } from '../support/real-mesh.ts'

export type NetLab = {
  places: Place[]
  /** Packets from one of `from` to one of `to` are lost; numbers are those of the places, from 0. */
  oneWay(from: readonly number[], to: readonly number[]): void
  /** Both ways. */
  partition(one: readonly number[], other: readonly number[]): void
  /** This share of all packets between nodes is lost, on top of what is cut. */
  lose(percent: number): void
  /** Ends all of the above. */
  heal(): void
  /** How many packets were dropped so far: a fault that drops nothing proves nothing. */
  dropped(): number
  close(): void
}

const TABLE = `
table bridge lab {
  set cut { type ifname . ifname; }
  counter dropped { }
  chain cuts { type filter hook forward priority 0; policy accept; iifname . oifname @cut counter name dropped drop; }
  chain losses { type filter hook forward priority 1; policy accept; }
}`

export function createNetLab(size: number): NetLab {
  // Two laboratories side by side differ in the names and the addresses that the machine itself sees.
  const tag = `nim${process.pid.toString(36)}`
  const hub = `${tag}hub`
  const names = Array.from({ length: size }, (_, index) => `${tag}n${index}`)
  const nft = (input: string): string => execFileSync('ip', ['netns', 'exec', hub, 'nft', '-f', '-'], { input, encoding: 'utf8' })
  const cut = (from: readonly number[], to: readonly number[]): void => {
    const pairs = from.flatMap((a) => to.filter((b) => b !== a).map((b) => `"v${a}" . "v${b}"`))
    nft(`add element bridge lab cut { ${pairs.join(', ')} }`)
  }
  const close = (): void => {
    for (const name of [...names, hub]) {
      try {
        execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' })
      } catch {
        // It was never made: closing also cleans up after a start that failed half-way.
      }
    }
  }
  const heal = (): void => void nft('flush set bridge lab cut\nflush chain bridge lab losses')
  try {
    shell([`ip netns add ${hub}`, `ip -n ${hub} link add br0 type bridge stp_state 0 forward_delay 0`, `ip -n ${hub} link set br0 up`])
    for (const [index, name] of names.entries()) shell(cables(index, name, hub, `${tag}m${index}`))
    nft(TABLE)
  } catch (error) {
    close()
    throw error
  }
  return {
    places: names.map((name, index) => ({
      // Replaces itself by the node, so that signals to the child reach the node.
      run: ['nsenter', `--net=/run/netns/${name}`],
      http: `${testSide(index)}2:0`,
      listen: `/ip4/10.77.0.${index + 1}/tcp/0`,
    })),
    oneWay: cut,
    partition(one, other) {
      cut(one, other)
      cut(other, one)
    },
    lose: (percent) =>
      void nft(`add rule bridge lab losses numgen random mod 1000 < ${Math.round(percent * 10)} counter name dropped drop`),
    heal,
    dropped: () =>
      Number(/packets (\d+)/.exec(execFileSync('ip', ['netns', 'exec', hub, 'nft', 'list', 'counters'], { encoding: 'utf8' }))?.[1]),
    close,
  }
}

/** The first three numbers and the dot of a /30 that test and node share. */
function testSide(index: number): string {
  return `10.${78 + (process.pid % 100)}.${index}.`
}

function cables(index: number, name: string, hub: string, testEnd: string): string[] {
  return [
    `ip netns add ${name}`,
    `ip -n ${name} link set lo up`,
    `ip link add v${index} netns ${hub} type veth peer name eth0 netns ${name}`,
    `ip -n ${hub} link set v${index} master br0 up`,
    `ip -n ${name} addr add 10.77.0.${index + 1}/24 dev eth0`,
    `ip -n ${name} link set eth0 up`,
    `ip link add ${testEnd} type veth peer name test netns ${name}`,
    `ip addr add ${testSide(index)}1/30 dev ${testEnd}`,
    `ip link set ${testEnd} up`,
    `ip -n ${name} addr add ${testSide(index)}2/30 dev test`,
    `ip -n ${name} link set test up`,
  ]
}

function shell(lines: readonly string[]): void {
  execFileSync('sh', ['-e'], { input: lines.join('\n'), stdio: ['pipe', 'pipe', 'pipe'] })
}
