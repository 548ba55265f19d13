// Files of tasks: what a client brings (a packed folder, stdin), what an attempt left, each by the hash of its content.
import * as z from 'zod'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import type { NodePort } from '../../ports.ts'
import { notFound } from '../../problems.ts'
import type { StreamGate } from '../../streams.ts'
import { artifactView } from '../../../../protocols/http/views.ts'

const BYTES = 'application/octet-stream'
const blob = z.object({ hash: z.string(), size: z.int() }).meta({ id: 'Blob' })
const artifacts = z.object({ items: z.array(artifactView) }).meta({ id: 'Artifacts' })

export function blobRoutes(node: Pick<NodePort, 'blobs' | 'task'>, gate: StreamGate): Api {
  const api = createRoutes()
  api.post(
    '/api/blobs',
    describe({
      id: 'putBlob',
      tag: 'files',
      summary: 'Bring the bytes that a task names as `dir` (a tar) or `stdin`',
      body: z.string().meta({ format: 'binary' }),
      bodyType: BYTES,
      answers: { 201: { text: 'It is on this node', schema: blob } },
    }),
    async (c) => {
      const leave = gate.enter()
      try {
        return c.json(await node.blobs.put(piecesOf(c.req.raw.body)), 201)
      } finally {
        leave()
      }
    },
  )
  api.get(
    '/api/tasks/:id/artifacts',
    describe({
      id: 'listArtifacts',
      tag: 'files',
      summary: 'Files that a task left',
      answers: { 200: { text: 'All of them', schema: artifacts } },
    }),
    (c) => {
      const id = c.req.param('id')
      const task = node.task(id)
      if (task === undefined) throw notFound('task', id)
      return c.json({ items: task.result?.artifacts ?? [] })
    },
  )
  return api
}

async function* piecesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  for await (const piece of body ?? []) yield piece
}
