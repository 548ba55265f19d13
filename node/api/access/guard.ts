// The first code that sees a request: which host it was meant for, which page sent it. A web page somewhere on the
// internet can make a browser send requests here; this is what stops them, before any token is looked at.
import type { IncomingMessage } from 'node:http'
import { hostname, networkInterfaces } from 'node:os'
import { NimbusError } from '../../kernel/errors.ts'
import { isLoopback } from '../../kernel/host-port.ts'

export type Guard = {
  /** @throws NimbusError where the request must not be answered */
  check(request: Pick<IncomingMessage, 'rawHeaders' | 'headers' | 'method' | 'url'>): void
}

/**
 * @param host the address that the server listens on
 * @param port the port that it got
 * @param extraHosts names under which people may also call it, as `box.lan:7777`
 */
export function createGuard(options: { host: string; port: number; extraHosts: readonly string[] }): Guard {
  const hosts = new Set([...ownHosts(options.host).flatMap((name) => hostHeaders(name, options.port)), ...options.extraHosts])
  const origins = new Set([...hosts].map((host) => `http://${host}`))
  return {
    check(request) {
      checkHost(request.rawHeaders, hosts)
      const origin = request.headers.origin
      if (origin !== undefined && !origins.has(origin)) {
        throw new NimbusError('foreign-origin', 'A page of another origin sent this request.', {
          kind: 'refused',
          cure: 'Open the dashboard under its own address (nimbus open).',
        })
      }
      // Absent outside browsers; `none` is what the person typed or clicked outside a page.
      const site = request.headers['sec-fetch-site']
      if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isArrival(request)) {
        throw new NimbusError('foreign-site', 'A page of another site sent this request.', {
          kind: 'refused',
          cure: 'Open the dashboard in a tab of its own (nimbus open).',
        })
      }
    },
  }
}

/** A page of another node whose node is gone: it comes as a whole page, and its pass is checked like any proof. */
function isArrival({ method, url, headers }: Pick<IncomingMessage, 'headers' | 'method' | 'url'>): boolean {
  return (
    method === 'GET' &&
    url?.startsWith('/sign-in?pass=') === true &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document'
  )
}

/** Node takes the first of two Host headers, a proxy before it may take the last: so exactly one is allowed. */
function checkHost(rawHeaders: readonly string[], hosts: ReadonlySet<string>): void {
  const found: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === 'host') found.push(rawHeaders[at + 1] ?? '')
  }
  if (found.length !== 1) {
    throw new NimbusError('host-header', `The request has ${found.length} Host headers.`, { kind: 'usage', cure: 'Send exactly one.' })
  }
  if (!hosts.has(found[0]?.toLowerCase() ?? '')) {
    throw new NimbusError('wrong-host', 'This node does not answer under the host name of the request.', {
      kind: 'refused',
      cure: 'Use the address of the ready line, as http://127.0.0.1:7777.',
    })
  }
}

function ownHosts(host: string): string[] {
  const loopback = ['127.0.0.1', 'localhost', '::1']
  if (host !== '0.0.0.0' && host !== '::') return [...new Set([host.toLowerCase(), ...(isLoopback(host) ? loopback : [])])]
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((item) => item.address))
  return [...loopback, hostname().toLowerCase(), ...addresses]
}

function hostHeaders(name: string, port: number): string[] {
  const shown = name.includes(':') ? `[${name}]` : name
  return port === 80 ? [shown, `${shown}:80`] : [`${shown}:${port}`]
}
