// What a token that is not the operator's opens: each route by the verb that it needs. A task looks only at its own family; whose
// message or question it is, the routes see to themselves. What stands in no line here is the operator's.
import type { Verb } from '../../../protocols/agents/capability.ts'
import type { NodePort } from '../ports.ts'

type Rule = {
  method: 'GET' | 'POST'
  path: RegExp
  verb: Verb
  /** Of a task: the task in the path has to be itself, or one below it. */
  whose?: 'own' | 'family'
}

const ID = '([^/]+)'
const RULES: readonly Rule[] = [
  rule('GET', '/api/mesh', 'mesh.read'),
  rule('GET', `/api/workers(?:/[^/]+)?`, 'mesh.read'),
  rule('GET', `/api/tasks/${ID}(?:/(?:log|artifacts|wait))?`, 'task.read', 'family'),
  rule('GET', `/api/builds/${ID}`, 'task.read', 'family'),
  rule('GET', '/api/builds/caches/[0-9a-f]{64}', 'task.read'), // the route answers builds only
  rule('GET', '/api/artifacts/[0-9a-f]{64}(?:/provenance)?', 'task.read'), // a hash is known to whom it was told
  rule('POST', '/api/(?:tasks|blobs)', 'task.publish'),
  rule('GET', '/api/git/[^/]+/[^/]+/git-upload-pack', 'repo.read'), // a hosted repository; a push is the operator's
  rule('POST', `/api/tasks/${ID}/progress`, 'progress.report', 'own'),
  rule('GET', '/api/messages(?:/[a-z0-9]+)?', 'message.read'),
  rule('POST', '/api/messages/read', 'message.read'),
  rule('POST', '/api/messages', 'message.send'),
  rule('GET', '/api/questions(?:/[^/]+(?:/wait)?)?', 'question.ask'),
  rule('POST', '/api/questions(?:/[^/]+/withdraw)?', 'question.ask'), // it never answers
  rule('GET', '/api/knowledge(?:/[^/]+)?', 'knowledge.read'),
  rule('POST', '/api/knowledge', 'knowledge.add'),
  rule('POST', '/api/locks/[^/]+/(?:take|release)', 'lock.hold'),
]
/** What says of itself only what its token may. */
const OPEN: ReadonlySet<string> = new Set(['GET /api/openapi.json', 'GET /api/me', 'GET /mcp', 'POST /mcp', 'DELETE /mcp'])

type Holder = { task?: string; verbs: readonly Verb[] }
/** `entity` of the event stream: the one task that it asks about. */
type Asked = { method: string; path: string; entity: string | undefined }

export function mayAsk(node: Pick<NodePort, 'isBelow'>, { task, verbs }: Holder, { method, path, entity }: Asked): boolean {
  if (OPEN.has(`${method} ${path}`)) return true
  if (method === 'GET' && path === '/api/events')
    return verbs.includes('task.read') && entity !== undefined && (task === undefined || node.isBelow(entity.replace(/^task\//, ''), task))
  return RULES.some((one) => {
    const found = one.method === method ? one.path.exec(path) : null
    if (found === null || !verbs.includes(one.verb)) return false
    if (one.whose === undefined || task === undefined) return true
    const asked = found[1] ?? ''
    return one.whose === 'own' ? asked === task : node.isBelow(asked, task)
  })
}

function rule(method: Rule['method'], path: string, verb: Verb, whose?: Rule['whose']): Rule {
  return { method, path: new RegExp(`^${path}$`), verb, ...(whose === undefined ? {} : { whose }) }
}
