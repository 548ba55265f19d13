// The address of a service that stays: a small proxy before whichever process is live. Requests that come while none is live wait
// a while for one; what the process before still answers is counted, so that it can end when all of it is out.
import type { AddressInfo, Server } from 'node:net'
import type { Clock } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import type { ServiceOrder } from '../mailbox.ts'
import { createHttpFront } from './http-front.ts'
import { createTcpFront } from './tcp-front.ts'
import { createTraffic } from './traffic.ts'

export type Door = {
  host: string
  port: number
  /** Whether an order with this protocol, host and port can go through it. */
  fits(order: Pick<ServiceOrder, 'protocol' | 'host' | 'port'>): boolean
  /** From now on new requests go to this port. @returns settles when the one before has answered all of its own */
  lead(port: number | undefined): Promise<void>
  /** Takes nothing new; settles when all is answered, or after so long. */
  close(drainMs: number): Promise<void>
}

const CONNECTIONS_MAX = 1024

export async function openDoor(clock: Clock, order: Pick<ServiceOrder, 'protocol' | 'host' | 'port' | 'portBefore'>): Promise<Door> {
  const { protocol, host } = order
  const traffic = createTraffic(clock)
  const front = protocol === 'http' ? createHttpFront(traffic) : createTcpFront(traffic)
  front.server.maxConnections = CONNECTIONS_MAX
  const port = await listen(front.server, order)
  return {
    host,
    port,
    fits: (other) => other.protocol === protocol && other.host === host && (other.port === undefined || other.port === port),
    lead: traffic.lead,
    async close(drainMs) {
      const closed = new Promise<void>((resolve) => front.server.close(() => resolve()))
      front.retire()
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const cancel = clock.after(drainMs, resolve)
      await Promise.race([traffic.lead(undefined), late])
      cancel()
      front.cut()
      await closed
    },
  }
}

/** The port that was asked for; else the one of before, if it is free; else any. */
async function listen(server: Server, { host, port, portBefore }: Pick<ServiceOrder, 'host' | 'port' | 'portBefore'>): Promise<number> {
  for (const wanted of port === undefined ? [portBefore ?? 0, 0] : [port]) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(wanted, host, () => {
          server.off('error', reject)
          resolve()
        })
      })
      server.on('error', () => {}) // of single connections: each tells its own end
      return (server.address() as AddressInfo).port
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (wanted === 0 || port !== undefined)
        throw new NimbusError('port-taken', `Port ${wanted} of ${host} cannot be had: ${code ?? messageOf(error)}.`, {
          cure: 'Ask for another one with --port, or end what uses it.',
        })
    }
  }
  throw new NimbusError('port-taken', `No port of ${host} could be had.`)
}
