// What a token that is not the operator's opens: each route by the verb that it needs. A task looks only at its own family; whose
// message or question it is, the routes see to themselves. What stands in no line here is the operator's.
import type { Verb } from '../../../protocols/agents/capability.ts'
import type { NodePort } from '../ports.ts'

type Rule = {
  method: 'GET' | 'POST'
  path: RegExp
  verb: Verb
  /** Of a task: the task in the path has to be itself, or one below it. `user`: not for tasks at all, they look at their own only. */
  whose?: 'own' | 'family' | 'user'
}

const ID = '([^/]+)'
const RULES: readonly Rule[] = [
  rule('GET', '/api/mesh', 'mesh.read'),
  rule('GET', `/api/workers(?:/[^/]+)?`, 'mesh.read'),
  rule('GET', `/api/tasks/${ID}(?:/(?:log(?:/lines)?|artifacts|wait))?`, 'task.read', 'family'),
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
  rule('GET', '/api/(?:groups|locks|counters)(?:/[^/]+)?', 'mesh.read', 'user'),
  rule('GET', '/(?:api/upgrade|metrics)', 'mesh.read', 'user'),
  rule('GET', '/api/(?:tasks|pools|builds)', 'task.read', 'user'),
  rule('GET', '/api/(?:schedules|services|sessions)(?:/[^/]+)?', 'task.read', 'user'),
  rule('GET', '/api/repos', 'repo.read', 'user'),
  rule('GET', '/api/hosted-repos(?:/[^/]+)?', 'repo.read', 'user'),
  rule('POST', `/api/tasks/${ID}/cancel`, 'task.publish', 'user'),
]
/** What says of itself only what its token may. */
const OPEN: ReadonlySet<string> = new Set(['GET /api/openapi.json', 'GET /api/me', 'GET /mcp', 'POST /mcp', 'DELETE /mcp'])

type Holder = { task?: string; verbs: readonly Verb[] }
/** `entity` of the event stream: the one task that it asks about. */
type Asked = { method: string; path: string; entity: string | undefined }

export function mayAsk(node: Pick<NodePort, 'isBelow'>, { task, verbs }: Holder, { method, path, entity }: Asked): boolean {
  if (OPEN.has(`${method} ${path}`)) return true
  if (method === 'GET' && path === '/api/events') return mayHear(node, { task, verbs }, entity)
  return RULES.some((one) => {
    const found = one.method === method ? one.path.exec(path) : null
    if (found === null || !verbs.includes(one.verb)) return false
    if (one.whose === undefined) return true
    if (task === undefined || one.whose === 'user') return task === undefined && one.whose !== 'own'
    const asked = found[1] ?? ''
    return one.whose === 'own' ? asked === task : node.isBelow(asked, task)
  })
}

/** A task hears of its family. Whoever has no task hears what its verbs read; all kinds of events together need all of these. */
const HEAR_ALL: readonly Verb[] = ['mesh.read', 'task.read', 'message.read', 'question.ask', 'knowledge.read']
const HEAR: Readonly<Record<string, Verb>> = {
  task: 'task.read',
  build: 'task.read',
  worker: 'mesh.read',
  mesh: 'mesh.read',
  knowledge: 'knowledge.read',
}

function mayHear(
  node: Pick<NodePort, 'isBelow'>,
  { task, verbs }: { task: string | undefined; verbs: readonly Verb[] },
  entity: string | undefined,
): boolean {
  if (task !== undefined) return verbs.includes('task.read') && entity !== undefined && node.isBelow(entity.replace(/^task\//, ''), task)
  const needed = Object.hasOwn(HEAR, entity?.split('/')[0] ?? '') ? [HEAR[entity?.split('/')[0] ?? '']] : HEAR_ALL
  return needed.every((one) => one !== undefined && verbs.includes(one))
}

function rule(method: Rule['method'], path: string, verb: Verb, whose?: Rule['whose']): Rule {
  return { method, path: new RegExp(`^${path}$`), verb, ...(whose === undefined ? {} : { whose }) }
}
