// Signing in: the one-time link, the browser's session and its end.
import * as z from 'zod'
import { NimbusError } from '../../kernel/errors.ts'
import type { Auth } from '../access/auth.ts'
import type { StaticFiles } from '../static-files.ts'
import { fileResponse } from '../static-files.ts'
import { describe } from '../describe.ts'
import type { Api } from '../env.ts'
import { addressOf, createRoutes } from '../env.ts'
import { readBody, readNoBody } from '../input.ts'
import type { PassesPort } from '../ports.ts'
import { passRoutes } from './front/passes.ts'

/** What else a page brings along (`next`, `since`) is for its own script. */
const signInQuery = z.object({ code: z.string().optional(), pass: z.string().optional(), next: z.string().optional() })
const sessionView = z.object({ signedIn: z.boolean(), csrf: z.string(), auth: z.enum(['token', 'none']) }).meta({ id: 'Session' })
const linkView = z.object({ url: z.string() }).meta({ id: 'SignInLink' })
/** Only paths of this node: neither `//host` nor `/\host` may come out of a link. */
const linkRequest = z
  .strictObject({
    next: z
      .string()
      .max(200)
      .regex(/^\/(?![/\\])[\w\-./]*$/, 'must be a path of this dashboard')
      .default('/'),
  })
  .meta({ id: 'SignInLinkRequest' })

/** Answers without a token: the link's code is the proof. */
export function signInRoute(auth: Auth, files: Pick<StaticFiles, 'index'>): Api {
  const api = createRoutes()
  api.get(
    '/sign-in',
    describe({
      id: 'signIn',
      tag: 'session',
      summary: 'Redeem a one-time link (`code`), or the pass of a page of another node, for a session cookie',
      query: signInQuery,
      open: true,
      answers: {
        303: { text: 'Signed in; on to the dashboard' },
        200: { text: 'The page itself, which came with a pass', type: 'text/html' },
      },
    }),
    (c) => {
      const pass = c.req.query('pass')
      // A redirect would still count as the other origin's, so the page is the answer itself and goes to its place by script.
      if (pass !== undefined) {
        const cookie = auth.cookie(auth.redeemPass(pass, addressOf(c)))
        const page = fileResponse(files.index(), c.req.raw)
        page.headers.set('set-cookie', cookie)
        page.headers.set('cache-control', 'no-store')
        return page
      }
      const secret = auth.redeemCode(c.req.query('code') ?? '', addressOf(c))
      const next = linkRequest.safeParse({ next: c.req.query('next') })
      return c.body(null, 303, {
        location: next.success ? next.data.next : '/',
        'set-cookie': auth.cookie(secret),
        'cache-control': 'no-store',
      })
    },
  )
  return api
}

/** @param origin the address that people type, without a slash at its end */
export function sessionRoutes(auth: Auth, origin: () => string, passes: PassesPort): Api {
  const api = createRoutes()
  api.get(
    '/api/session',
    describe({
      id: 'getSession',
      tag: 'session',
      summary: 'Who is signed in; 401 where nobody is',
      answers: { 200: { text: 'The session', schema: sessionView } },
    }),
    (c) => {
      return c.json({ signedIn: true, csrf: c.var.caller.session?.csrf ?? '', auth: auth.mode }, 200, { 'cache-control': 'no-store' })
    },
  )

  api.post(
    '/api/session/link',
    describe({
      id: 'createSignInLink',
      tag: 'session',
      summary: 'A one-time sign-in link, good for a minute; needs the token itself',
      body: linkRequest,
      answers: { 201: { text: 'The link', schema: linkView } },
    }),
    async (c) => {
      // Nor anything else whose right ends before that of the browser that follows the link.
      if (c.var.caller.session !== undefined || c.var.caller.actor.kind !== 'operator')
        throw new NimbusError('token-needed', 'A signed-in browser may not make sign-in links, nor a token that was made.', {
          kind: 'refused',
          cure: 'Run `nimbus open` where the token is.',
        })
      const { next } = await readBody(c, linkRequest)
      return c.json({ url: signInUrl(auth, origin(), next) }, 201, { 'cache-control': 'no-store' })
    },
  )

  api.delete(
    '/api/session',
    describe({
      id: 'signOut',
      tag: 'session',
      summary: 'Sign this browser out; its event streams close',
      answers: { 204: { text: 'Signed out' } },
    }),
    async (c) => {
      await readNoBody(c)
      if (c.var.caller.session !== undefined) auth.endSession(c.var.caller.session)
      return c.body(null, 204)
    },
  )
  api.route('/', passRoutes(passes))
  return api
}

/** With `--auth none` nobody signs in: the dashboard itself is the link. */
export function signInUrl(auth: Auth, origin: string, next = '/'): string {
  if (auth.mode === 'none') return `${origin}${next}`
  return `${origin}/sign-in?code=${auth.createCode()}${next === '/' ? '' : `&next=${encodeURIComponent(next)}`}`
}
