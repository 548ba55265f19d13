// All routes in the order in which a request meets them: guard, what is open to all, access, the nouns. Every answer
// leaves with the same safety headers, every error as a problem document.
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import { requireAccess } from './access/require-access.ts'
import type { Auth } from './access/auth.ts'
import { artifactRoutes } from './routes/builds/artifacts.ts'
import { buildRoutes } from './routes/builds/builds.ts'
import { buildCacheRoutes } from './routes/builds/caches.ts'
import { blobRoutes } from './routes/tasks/blobs.ts'
import { tokenRoutes } from './routes/access/tokens.ts'
import { secretRoutes } from './routes/secrets/secrets.ts'
import { docsRoutes } from './routes/docs.ts'
import type { Api } from './env.ts'
import { createRoutes } from './env.ts'
import { eventRoutes } from './routes/events.ts'
import type { Guard } from './access/guard.ts'
import { heldLockRoutes } from './routes/agents/held-locks.ts'
import { mcpRoutes } from './routes/agents/mcp.ts'
import { knowledgeRoutes } from './routes/agents/knowledge.ts'
import { meRoute } from './routes/agents/me.ts'
import { questionRoutes } from './routes/agents/questions.ts'
import { messageRoutes } from './routes/plan/messages.ts'
import { scheduleRoutes } from './routes/plan/schedules.ts'
import { costRoutes } from './routes/costs/costs.ts'
import { serviceRoutes } from './routes/services/services.ts'
import { meshRoutes } from './routes/mesh.ts'
import { groupRoutes } from './routes/groups.ts'
import { healthRoute, metricsRoute } from './routes/metrics.ts'
import { counterRoutes } from './routes/names/counters.ts'
import { gitSocketRoutes } from './routes/hosting/git-socket.ts'
import { hostedRepoRoutes } from './routes/hosting/hosted-repos.ts'
import { lockRoutes } from './routes/names/locks.ts'
import { nodeLogRoutes } from './routes/node-log.ts'
import type { NodePort } from './ports.ts'
import { noRoute, problemResponse } from './problems.ts'
import { poolRoutes } from './routes/tasks/pools.ts'
import { agentSessionRoutes } from './routes/sessions/sessions.ts'
import { sessionRoutes, signInRoute } from './routes/session.ts'
import type { StaticFiles } from './static-files.ts'
import { fileResponse } from './static-files.ts'
import { repoAuthRoutes } from './routes/repos/repo-auth.ts'
import { repoRoutes } from './routes/repos/repos.ts'
import { createStreamGate } from './streams.ts'
import { taskInsideRoutes } from './routes/tasks/task-inside.ts'
import { taskLogRoutes } from './routes/task-log.ts'
import { taskRoutes } from './routes/tasks.ts'
import { upgradeRoutes } from './routes/upgrade/upgrade.ts'
import { terminalRoutes } from './routes/terminals/terminals.ts'
import { workerRoutes } from './routes/workers.ts'

export type AppComponents = { node: NodePort; auth: Auth; guard: () => Guard; files: StaticFiles; clock: Clock; random: Random; log: Log }

const SAFETY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

export function createApp(
  components: AppComponents,
  options: { origin: () => string; logFile: string; version: string; mark: string },
): Api {
  const { node, auth, files, clock, random, log } = components
  const app = createRoutes()
  const gate = createStreamGate()
  app.onError((error, c) => {
    const signInPage = error instanceof NimbusError && error.code === 'sign-in-needed' && isPageView(c.req.raw)
    const response = signInPage ? fileResponse(files.index(), c.req.raw, 401) : problemResponse(error, log)
    // A body that was refused was not read to its end: the next request must not follow on the same connection.
    if (c.req.raw.body !== null) response.headers.set('connection', 'close')
    return withSafety(response)
  })
  app.notFound((c) => {
    // Paths of the dashboard itself, as /tasks/ID: the page finds its way.
    return isPageView(c.req.raw) ? fileResponse(files.index(), c.req.raw) : problemResponse(noRoute(c), log)
  })

  app.use('*', async (c, next) => {
    components.guard().check(c.env.incoming)
    await next()
    c.res = withSafety(c.res)
  })
  app.get('*', async (c, next) => {
    const file = files.find(c.req.path)
    if (file === undefined || file.type === '') return next()
    return fileResponse(file, c.req.raw)
  })
  app.get('/skyeyes.js', (c) => problemResponse(noRoute(c), log)) // open to all by contract; the bridge itself comes later
  app.route('/', healthRoute(options.mark))
  app.route('/', signInRoute(auth, files))

  app.use('*', requireAccess(auth, node))
  app.route('/', sessionRoutes(auth, options.origin, node.passes))
  app.route('/', meshRoutes(node))
  app.route('/', workerRoutes(node))
  app.route('/', taskRoutes(node))
  app.route('/', poolRoutes(node))
  app.route('/', taskLogRoutes(node, gate))
  app.route('/', messageRoutes(node.messages))
  app.route('/', meRoute())
  app.route('/', questionRoutes(node.questions, gate))
  app.route('/', heldLockRoutes(node))
  app.route('/', knowledgeRoutes(node))
  app.route('/', mcpRoutes({ clock, random, version: options.version, app: () => app }))
  app.route('/', taskInsideRoutes(node, gate))
  app.route('/', blobRoutes(node, gate))
  app.route('/', artifactRoutes(node, gate))
  app.route('/', buildRoutes(node.builds))
  app.route('/', buildCacheRoutes(node.builds, gate))
  app.route('/', scheduleRoutes(node.schedules))
  app.route('/', serviceRoutes(node.services))
  app.route('/', secretRoutes(node))
  app.route('/', tokenRoutes(node))
  app.route('/', repoAuthRoutes(node.repos))
  app.route('/', repoRoutes(node.repos))
  app.route('/', lockRoutes(node.names, gate)).route('/', counterRoutes(node.names))
  app.route('/', agentSessionRoutes(node.sessions, gate)).route('/', costRoutes(node.costs))
  app.route('/', groupRoutes(node.groups))
  app.route('/', upgradeRoutes(node.upgrade))
  app.route('/', hostedRepoRoutes(node.hosting))
  app.route('/', gitSocketRoutes(node.hosting, gate, log))
  app.route('/', eventRoutes({ node, auth, clock, log, gate }))
  app.route('/', terminalRoutes({ node, clock, log, gate }))
  app.route('/', metricsRoute(node))
  app.route('/', nodeLogRoutes({ clock, gate }, options.logFile))
  app.route(
    '/',
    docsRoutes(() => app, options.version),
  )
  return app
}

function withSafety(response: Response): Response {
  for (const [name, value] of Object.entries(SAFETY_HEADERS)) response.headers.set(name, value)
  return response
}

/** Somebody who opened an address in a browser, as opposed to a program or a script of the page. */
function isPageView(request: Request): boolean {
  const path = new URL(request.url).pathname
  return request.method === 'GET' && !path.startsWith('/api/') && request.headers.get('accept')?.includes('text/html') === true
}
