// The mesh as this node sees it, invites into it, and this node's own way out: leave for good, or stop.
import * as z from 'zod'
import { inviteRequest, inviteView, meshView } from '../../../protocols/http/views.ts'
import { describe } from '../describe.ts'
import type { Api } from '../env.ts'
import { createRoutes } from '../env.ts'
import { readBody, readNoBody } from '../input.ts'
import type { NodePort } from '../ports.ts'

const shutdownRequest = z.strictObject({ drain: z.boolean().default(true) }).meta({ id: 'ShutdownRequest' })

export function meshRoutes(node: Pick<NodePort, 'mesh' | 'invite' | 'leave' | 'shutdown'>): Api {
  const api = createRoutes()
  api.get(
    '/api/mesh',
    describe({
      id: 'getMesh',
      tag: 'mesh',
      summary: 'This node, its members and its keepers',
      answers: { 200: { text: 'The mesh as this node sees it', schema: meshView } },
    }),
    (c) => c.json(node.mesh()),
  )

  api.post(
    '/api/invites',
    describe({
      id: 'createInvite',
      tag: 'mesh',
      summary: 'Invite a node into the mesh',
      body: inviteRequest,
      answers: { 201: { text: 'The invite; shown once', schema: inviteView } },
    }),
    async (c) => {
      return c.json(await node.invite(await readBody(c, inviteRequest)), 201)
    },
  )

  api.post(
    '/api/mesh/leave',
    describe({
      id: 'leaveMesh',
      tag: 'mesh',
      summary: 'Hand over seats and work, then leave the mesh for good',
      answers: { 204: { text: 'Left' } },
    }),
    async (c) => {
      await readNoBody(c)
      await node.leave()
      return c.body(null, 204)
    },
  )

  api.post(
    '/api/shutdown',
    describe({ id: 'shutdown', tag: 'mesh', summary: 'Stop this node', body: shutdownRequest, answers: { 202: { text: 'Stopping' } } }),
    async (c) => {
      await node.shutdown(await readBody(c, shutdownRequest))
      return c.body(null, 202)
    },
  )
  return api
}
