// Turns an OpenAPI document into one page of HTML. Every text of the document is escaped.
import type { generateSpecs } from 'hono-openapi'

export type OpenApiDocument = Awaited<ReturnType<typeof generateSpecs>>

type Operation = {
  tags?: string[]
  summary?: string
  parameters?: { name: string; in: string; required?: boolean; schema?: unknown }[]
  requestBody?: { content?: Record<string, { schema?: unknown }> }
  responses?: Record<string, { description?: string; content?: Record<string, { schema?: unknown }> }>
}

export function renderDocs(document: OpenApiDocument): string {
  const groups = new Map<string, string[]>()
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item as Record<string, Operation>)) {
      const tag = operation.tags?.[0] ?? 'other'
      groups.set(tag, [...(groups.get(tag) ?? []), renderOperation(method, path, operation)])
    }
  }
  const schemas = Object.entries(document.components.schemas ?? {})
  const tags = [...groups.keys()]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Nimbus API</title><link rel="stylesheet" href="/docs/style.css"></head>
<body><main>
<h1>Nimbus API <span class="dim">${escape(document.info.version)}</span></h1>
<p>${escape(document.info.description ?? '')}</p>
<p class="dim">The same as a document for programs: <a href="/api/openapi.json">/api/openapi.json</a> (OpenAPI ${escape(document.openapi)}).</p>
<nav>${[...tags, 'shapes'].map((tag) => `<a href="#${escape(tag)}">${escape(tag)}</a>`).join('')}</nav>
${tags.map((tag) => `<h2 id="${escape(tag)}">${escape(tag)}</h2>${groups.get(tag)?.join('') ?? ''}`).join('')}
<h2 id="shapes">Shapes</h2>
${schemas.map(([name, schema]) => `<details id="shape-${escape(name)}"><summary><span class="path">${escape(name)}</span></summary><div class="body">${json(schema)}</div></details>`).join('')}
</main></body></html>`
}

function renderOperation(method: string, path: string, operation: Operation): string {
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema
  return `<details><summary><span class="method">${escape(method.toUpperCase())}</span><span class="path">${escape(path)}</span><span class="about">${escape(operation.summary ?? '')}</span></summary><div class="body">
${parameters(operation.parameters ?? [])}
${body === undefined ? '' : `<h3>Body</h3>${shape(body)}`}
<h3>Answers</h3><table>${Object.entries(operation.responses ?? {})
    .map(([status, answer]) => answerRow(status, answer))
    .join('')}</table>
</div></details>`
}

function parameters(list: NonNullable<Operation['parameters']>): string {
  if (list.length === 0) return ''
  const rows = list.map(
    (item) =>
      `<tr><td><code>${escape(item.name)}</code></td><td class="dim">${escape(item.in)}</td><td><code>${escape(JSON.stringify(item.schema ?? {}))}</code></td></tr>`,
  )
  return `<h3>Parameters</h3><table>${rows.join('')}</table>`
}

function answerRow(status: string, answer: NonNullable<Operation['responses']>[string]): string {
  const [type, content] = Object.entries(answer.content ?? {})[0] ?? []
  const schema = content?.schema === undefined ? '' : shape(content.schema)
  return `<tr><td><code>${escape(status)}</code></td><td>${escape(answer.description ?? '')} <span class="dim">${escape(type ?? '')}</span>${schema}</td></tr>`
}

/** A name that leads to the shape below, or the schema itself. */
function shape(schema: unknown): string {
  const reference = (schema as { $ref?: unknown }).$ref
  if (typeof reference !== 'string') return JSON.stringify(schema) === '{"type":"string"}' ? '' : json(schema)
  const name = reference.split('/').at(-1) ?? ''
  return ` <a href="#shape-${escape(name)}">${escape(name)}</a>`
}

function json(value: unknown): string {
  return `<pre>${escape(JSON.stringify(value, null, 2))}</pre>`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
