// No repository may lead its reader inward: one from outside names no submodule on this machine or in its network. Who is inside already
// may. The address is looked up once, before anything is asked of it.
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { refused } from './module-address.ts'

const INNER = new BlockList()
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  INNER.addSubnet(address, bits, 'ipv4')
for (const [address, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['64:ff9b::', 96],
] as const)
  INNER.addSubnet(address, bits, 'ipv6')

export type Lookup = (host: string) => Promise<readonly string[]>

/** @throws NimbusError `repo-submodule-refused` */
export async function assertNotInward(parent: string, url: string, path: string, find: Lookup = addressesOf): Promise<void> {
  const [outer, inner] = [new URL(parent), new URL(url)]
  if (inner.protocol === 'nimbus:' || inner.hostname === outer.hostname) return
  if (!(await leadsInside(inner.hostname, find))) return
  if (outer.protocol === 'nimbus:' || (await leadsInside(outer.hostname, find))) return
  throw refused(path, `its address ${inner.host} is on this machine or in its network, and the repository that names it is not`)
}

async function leadsInside(hostname: string, find: Lookup): Promise<boolean> {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const addresses = isIP(host) === 0 ? await find(host) : [host]
  return addresses.some((address) => INNER.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'))
}

async function addressesOf(host: string): Promise<string[]> {
  // One that has no address is told by the clone.
  return (await lookup(host, { all: true }).catch(() => [])).map(({ address }) => address)
}
