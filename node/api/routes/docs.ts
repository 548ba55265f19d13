// The OpenAPI document of all routes, and a page that shows it: plain HTML made here, without a script, so that the
// strictest content policy holds and no other server is asked.
import { generateSpecs } from 'hono-openapi'
import * as z from 'zod'
import { describe } from '../describe.ts'
import type { OpenApiDocument } from './docs-page.ts'
import { renderDocs } from './docs-page.ts'
import type { Api } from '../env.ts'
import { createRoutes } from '../env.ts'

/** @param all the application whose routes are described, asked when the document is first wanted */
export function docsRoutes(all: () => Api, version: string): Api {
  const api = createRoutes()
  let made: Promise<OpenApiDocument> | undefined
  const document = () => (made ??= generateDocument(all(), version).then(portable))

  api.get(
    '/api/openapi.json',
    describe({
      id: 'getOpenApi',
      tag: 'watching',
      summary: 'This document',
      answers: { 200: { text: 'OpenAPI 3.1', schema: z.record(z.string(), z.unknown()) } },
    }),
    async (c) => c.json(await document()),
  )
  api.get(
    '/docs',
    describe({
      id: 'getDocs',
      tag: 'watching',
      summary: 'This document as a page',
      answers: { 200: { text: 'A page', type: 'text/html' } },
    }),
    async (c) => c.html(renderDocs(await document())),
  )
  api.get(
    '/docs/style.css',
    describe({
      id: 'getDocsStyle',
      tag: 'watching',
      summary: 'The look of /docs',
      answers: { 200: { text: 'A style sheet', type: 'text/css' } },
    }),
    (c) => c.body(DOCS_STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }),
  )
  return api
}

/** Classes of characters by name are not known to every reader of patterns; these are the same characters. */
function portable(document: OpenApiDocument): OpenApiDocument {
  const plain = (key: string, value: unknown): unknown =>
    key === 'pattern' && typeof value === 'string' ? value.replaceAll('\\p{Cc}', '\\u0000-\\u001f\\u007f-\\u009f') : value
  return JSON.parse(JSON.stringify(document), plain) as OpenApiDocument
}

function generateDocument(api: Api, version: string): Promise<OpenApiDocument> {
  return generateSpecs(api, {
    excludeStaticFile: false,
    documentation: {
      info: {
        title: 'Nimbus',
        version,
        description:
          'Any node answers for the whole mesh; a command for another node is carried there. Times are milliseconds since 1970. Errors are problem documents (RFC 9457) with a stable `code` and, where there is one, a `cure`.',
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'The file `token` of the node’s data folder' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'nimbus-PORT',
            description: 'A browser that redeemed a one-time link (nimbus open); unsafe methods also send x-nimbus-csrf',
          },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
  })
}

const DOCS_STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d9dde3, #30363f); --soft: light-dark(#f5f6f8, #191d23); --dim: light-dark(#5b6470, #9aa4b1); --ink: light-dark(#14181d, #e8ebef); --accent: light-dark(#0a6c74, #5cc8d1) }
* { box-sizing: border-box }
body { margin: 0; font: 15px/1.55 system-ui, sans-serif; color: var(--ink); background: light-dark(#fff, #101317) }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 6rem }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1rem 0 2rem }
a { color: var(--accent) }
h1 { font-size: 1.6rem; margin: 0 } h2 { margin: 2.5rem 0 .5rem; font-size: 1.15rem; text-transform: capitalize }
code, pre, .path { font: 13px/1.5 ui-monospace, monospace }
pre { overflow-x: auto; padding: .75rem; background: var(--soft); border: 1px solid var(--line); border-radius: 6px }
details { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; overflow: hidden }
summary { cursor: pointer; padding: .55rem .8rem; display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; background: var(--soft) }
summary:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px }
.method { font: 600 12px ui-monospace, monospace; min-width: 4.2em; color: var(--accent) }
.about, .dim { color: var(--dim) }
.body { padding: .25rem .8rem .8rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line) }
`
