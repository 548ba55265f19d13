// For machines that watch: liveness, which anyone may ask, and Prometheus numbers, which need a token.
import * as z from 'zod'
import { describe } from '../describe.ts'
import type { Api } from '../env.ts'
import { createRoutes } from '../env.ts'
import type { NodePort } from '../ports.ts'

const health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' })

/** Says nothing but that this process answers. @param mark a number of its own, by which another node knows this one again */
export function healthRoute(mark: string): Api {
  const api = createRoutes()
  api.get(
    '/api/health',
    describe({
      id: 'getHealth',
      tag: 'watching',
      summary: 'Liveness',
      open: true,
      answers: { 200: { text: 'This node answers', schema: health } },
    }),
    (c) => c.json({ status: 'ok' as const }, 200, { 'cache-control': 'no-store', 'x-nimbus-mark': mark }),
  )
  return api
}

export function metricsRoute(node: Pick<NodePort, 'metrics'>): Api {
  const api = createRoutes()
  api.get(
    '/metrics',
    describe({
      id: 'getMetrics',
      tag: 'watching',
      summary: 'Prometheus metrics',
      answers: { 200: { text: 'Prometheus text', type: 'text/plain' } },
    }),
    async (c) => {
      return c.body(await node.metrics(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' })
    },
  )
  return api
}
