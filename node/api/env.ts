// What every handler finds on its context.
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { Hono } from 'hono'
import type { Caller } from './access/auth.ts'

export type ApiEnv = { Bindings: HttpBindings; Variables: { caller: Caller } }
export type Api = Hono<ApiEnv>

export function createRoutes(): Api {
  return new Hono<ApiEnv>()
}

/** The remote address, for counting failures. */
export function addressOf(c: Context<ApiEnv>): string {
  return c.env.incoming.socket.remoteAddress ?? 'unknown'
}
