// What every handler finds on its context.
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { Caller } from './auth.ts'

export type ApiEnv = { Bindings: HttpBindings; Variables: { caller: Caller } }
export type Api = Hono<ApiEnv>

export function createApi(): Api {
  return new Hono<ApiEnv>()
}
