// Locks for sessions: taken by one request and given back by another. They belong to the asking task, and end with it.
import type { Context } from 'hono'
import { heldLock, takeLock } from '../../../../protocols/agents/held-locks.ts'
import { nameText } from '../../../../protocols/http/names.ts'
import { describe } from '../../describe.ts'
import type { Api, ApiEnv } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { check, readBody, readNoBody } from '../../input.ts'
import type { NodePort } from '../../ports.ts'

export function heldLockRoutes({ heldLocks }: Pick<NodePort, 'heldLocks'>): Api {
  const api = createRoutes()
  api.post(
    '/api/locks/:name/take',
    describe({
      id: 'takeLock',
      tag: 'names',
      summary: 'Take a lock and keep it after the answer, until it is released, its time is over or the asking task ends',
      body: takeLock,
      answers: { 200: { text: 'Whether it is held', schema: heldLock } },
    }),
    async (c) => {
      const { wait, ttl } = await readBody(c, takeLock)
      const name = check(nameText, c.req.param('name'))
      return c.json(await heldLocks.take(ownerOf(c), name, { waitMs: wait, ttlMs: ttl, signal: c.req.raw.signal }))
    },
  )
  api.post(
    '/api/locks/:name/release',
    describe({
      id: 'releaseLock',
      tag: 'names',
      summary: 'Give back a lock that was taken',
      answers: { 200: { text: 'It is held no more by the asker', schema: heldLock } },
    }),
    async (c) => {
      await readNoBody(c)
      await heldLocks.release(ownerOf(c), check(nameText, c.req.param('name')))
      return c.json({ held: false })
    },
  )
  return api
}

function ownerOf(c: Context<ApiEnv>): string {
  const { actor } = c.var.caller
  return actor.kind === 'task' ? actor.task : actor.kind === 'user' ? `token/${actor.token}` : actor.kind
}
