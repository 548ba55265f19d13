// The cache of a build that runs here: asked by its own program, before the first command, under the key of its lockfiles.
import { NimbusError } from '../../../kernel/errors.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import type { BuildsPort } from '../../ports.ts'
import { notFound } from '../../problems.ts'
import type { StreamGate } from '../../streams.ts'
import { streamOf } from '../../streams.ts'

const BYTES = 'application/octet-stream'
const KEY = /^[0-9a-f]{64}$/

export function buildCacheRoutes(builds: Pick<BuildsPort, 'cache'>, gate: StreamGate): Api {
  const api = createRoutes()
  api.get(
    '/api/builds/caches/:key',
    describe({
      id: 'getBuildCache',
      tag: 'builds',
      summary: 'What builds with the same lockfiles have fetched, as one tar; from whichever node has it',
      answers: { 200: { text: 'Its bytes', type: BYTES } },
    }),
    async (c) => {
      const key = c.req.param('key')
      if (!KEY.test(key))
        throw new NimbusError(
          'cache-key-invalid',
          `${JSON.stringify(key.slice(0, 100))} is no key of a cache: it has 64 hexadecimal digits.`,
          {
            kind: 'usage',
            cure: 'Take it from the report of a build.',
          },
        )
      const { actor } = c.var.caller
      const leave = gate.enter()
      try {
        const found = await builds.cache(
          key,
          actor.kind === 'operator' ? undefined : actor.kind === 'task' ? actor.task : '',
          c.req.raw.signal,
        )
        if (found === undefined) throw notFound('build cache', key)
        return c.body(streamOf(found.bytes, leave), 200, {
          'content-type': BYTES,
          'content-length': String(found.size),
          etag: `"${found.hash}"`,
          'cache-control': 'no-store',
        })
      } catch (error) {
        leave()
        throw error
      }
    },
  )
  return api
}
