// Where members can be reached: what they say of themselves, what others say of them, and what worked. Bounded, saved
// through a port, and never more than a hint: the key at the other end decides who is there.
import { multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '../../protocols/ids.ts'
import type { Clock } from '../kernel/clock.ts'
import { ADDRESSES_MAX } from './link/link-frames.ts'

/** Peers remembered; at the limit a new one is not taken. */
const PEERS_MAX = 1024
/** Changes of known peers are written at most this often. The first address of a peer is written at once: two members that crash together
 * right after they met have nobody else to ask. */
const SAVE_DELAY_MS = 1000

export type AddressBook = {
  load(): Promise<void>
  /** Adds addresses of a peer, the newest first; what is no TCP address is left out. True where something was new. */
  learn(peer: PeerId, addresses: readonly string[]): boolean
  addressesOf(peer: PeerId): string[]
  peers(): PeerId[]
  forget(peer: PeerId): void
  flush(): Promise<void>
}

export type AddressBookComponents = {
  clock: Pick<Clock, 'after'>
  store: { load(): Promise<[PeerId, string[]][]>; save(peers: [PeerId, string[]][]): Promise<void> }
  onError: (error: unknown) => void
}

export function createAddressBook({ clock, store, onError }: AddressBookComponents): AddressBook {
  const book = new Map<PeerId, string[]>()
  let dirty = false
  const flush = async (): Promise<void> => {
    if (!dirty) return
    dirty = false
    await store.save([...book])
  }
  const changed = (): void => {
    if (!dirty) clock.after(SAVE_DELAY_MS, () => void flush().catch(onError))
    dirty = true
  }
  const learn = (peer: PeerId, addresses: readonly string[]): boolean => {
    const before = book.get(peer)
    if (before === undefined && book.size >= PEERS_MAX) return false
    const fresh = tcpAddresses(addresses)
    const merged = [...new Set([...fresh, ...(before ?? [])])].slice(0, ADDRESSES_MAX)
    if (merged.length === 0 || (merged.length === before?.length && merged.every((address) => before.includes(address)))) return false
    book.set(peer, merged)
    changed()
    if (before === undefined) void flush().catch(onError)
    return true
  }
  return {
    async load() {
      for (const [peer, addresses] of await store.load())
        if (!book.has(peer)) book.set(peer, tcpAddresses(addresses).slice(0, ADDRESSES_MAX))
    },
    learn,
    addressesOf: (peer) => book.get(peer) ?? [],
    peers: () => [...book.keys()],
    forget(peer) {
      if (book.delete(peer)) changed()
    },
    flush,
  }
}

/** Host and port of a TCP multiaddr; undefined for anything else. */
export function hostAndPort(address: string): { host: string; port: number } | undefined {
  try {
    const parts = multiaddr(address).getComponents()
    const host = parts.find((part) => ['ip4', 'ip6', 'dns4', 'dns6', 'dns'].includes(part.name))?.value
    const port = Number(parts.find((part) => part.name === 'tcp')?.value)
    return host !== undefined && Number.isInteger(port) && port > 0 ? { host, port } : undefined
  } catch {
    return undefined // not a multiaddr: a peer's word
  }
}

/** Those over TCP, without the peer ID at their end. */
function tcpAddresses(addresses: readonly string[]): string[] {
  return addresses.filter((address) => hostAndPort(address) !== undefined).map((address) => address.replace(/\/p2p\/[^/]+$/, ''))
}
