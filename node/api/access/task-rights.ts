// What a task may do with its own token: publish more work, read and await what it published, say how far it is, write messages.
// Nothing else: the rest of the mesh is the operator's.
import type { NodePort } from '../ports.ts'

const READS = /^\/api\/tasks\/([^/]+)(\/(log|artifacts|wait))?$/
const FILE = /^\/api\/artifacts\/[0-9a-f]{64}$/
/** Reading a hosted repository; a push is the operator's. */
const CLONES = /^\/api\/git\/[^/]+\/[^/]+\/git-upload-pack$/
const MESSAGES = /^\/api\/messages(\/[a-z0-9]+)?$/
const PUBLISHES: ReadonlySet<string> = new Set(['/api/tasks', '/api/blobs'])

/** @param entity of the event stream: the one task it asks about */
export function taskMay(
  node: Pick<NodePort, 'isBelow'>,
  own: string,
  request: { method: string; path: string; entity: string | undefined },
): boolean {
  const { method, path, entity } = request
  if (MESSAGES.test(path)) return method === 'GET' || method === 'POST'
  if (method === 'POST') return PUBLISHES.has(path) || path === `/api/tasks/${own}/progress`
  if (method !== 'GET') return false
  if (path === '/api/openapi.json' || FILE.test(path) || CLONES.test(path)) return true // a hash is known to whom it was told
  if (path === '/api/events') return entity !== undefined && node.isBelow(entity.replace(/^task\//, ''), own)
  const read = READS.exec(path)?.[1]
  return read !== undefined && node.isBelow(read, own)
}
